# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pkgctl_global_optspecs
    string join \n h/help V/version
end

function __fish_pkgctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pkgctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pkgctl_using_subcommand
    set -l cmd (__fish_pkgctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pkgctl -n "__fish_pkgctl_needs_command" -s h -l help -d 'Print help'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -s V -l version -d 'Print version'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "serve" -d 'Serve folders of wheels and sdists as a Python package index'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "adduser" -d 'Add a user to the passwords file, or change a password'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "configure" -d 'Set up this account\'s pip, twine and `pkgctl publish` for a private index'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "build" -d 'Build an sdist and a wheel of a Python project'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "publish" -d 'Upload distributions to a package index'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "completions" -d 'Print the script that completes pkgctl\'s commands and options in a shell'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s p -l port -d 'Port to listen on; 0 picks a free one [env: PKGCTL_PORT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s i -s H -l host -l interface -d 'Address or name of the interface to listen on [env: PKGCTL_HOST]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s P -l passwords -d 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s a -l authenticate -d 'What needs a password: a list of update, download and list, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l fallback-url -d 'Simple index where clients are sent for projects that were never here [env: PKGCTL_FALLBACK_URL]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l private -d 'Names that are never sent to the fallback, such as `corp-*` (may be repeated) [env: PKGCTL_PRIVATE]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l hash-algo -d 'Digest shown in pages [env: PKGCTL_HASH_ALGO]' -r -f -a "md5\t''
sha256\t''
sha384\t''
sha512\t''
off\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l max-upload-size -d 'Largest file that may be uploaded, in bytes or with K, M or G behind [env: PKGCTL_MAX_UPLOAD_SIZE]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l state-dir -d 'Folder for the catalog and unfinished uploads [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l server -d 'Ignored: pypiserver\'s choice of an HTTP server; this one has its own' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l backend -d 'Ignored: pypiserver\'s choice of a cache; this one has its own' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-format -d 'Shape of the log on stderr [env: PKGCTL_LOG_FORMAT]' -r -f -a "text\t''
json\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s o -l overwrite -d 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l disable-fallback -d 'Answer 404 for projects that were never here [env: PKGCTL_DISABLE_FALLBACK]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s v -l verbose -d 'Log more; twice for everything'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s f -l file -d 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -l cost -d 'Work of one password check: each step doubles it, 12 takes about a quarter of a second' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s p -l password -d 'Refused: other users could read it' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -l password-stdin -d 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -l delete -d 'Remove the user instead'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s s -l sha1 -d 'Store an unsalted SHA-1 as `htpasswd -s` does; for readers that know nothing better'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s c -d 'Accepted from habit: the file is created when it is missing, and never wiped'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s b -d 'Refused: `htpasswd -b` takes the password as an argument'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l name -l repository -d 'Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l url -l repository-url -d 'Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -s u -l username -d 'User to upload as [env: PKGCTL_USERNAME]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l pypirc -l config-file -d 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l pip-conf -d 'File with pip\'s settings [env: PKGCTL_PIP_CONF] [default: pip\'s own of this user]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -s p -l password -d 'Refused: other users could read it' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l password-stdin -d 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l no-password -d 'Store no password, and forget one that is stored'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l index-url -d 'Make it the only index instead of one more'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l extra-index-url -d 'Make it one more index again, where it was the only one'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l dry-run -d 'Show what would change and write nothing'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l remove -d 'Take out again what an earlier run wrote'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s o -l outdir -d 'Folder for the artifacts [env: PKGCTL_OUTDIR] [default: dist in SOURCE, or beside the sdist]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s C -l config-setting -d 'Tell the build backend a setting; a repeated key makes a list' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l python -d 'Interpreter to build with: a path, a version such as 3.12, or a program\'s name [env: PKGCTL_PYTHON] [default: that of the active virtual environment, else python3, else python]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l installer -d 'Program that installs the build requirements; auto is uv when there is one, else pip [env: PKGCTL_INSTALLER]' -r -f -a "auto\t''
pip\t''
uv\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s s -l sdist -d 'Build only the sdist; with --wheel, both from the project\'s folder'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s w -l wheel -d 'Build only the wheel, from the project\'s folder; with --sdist, both'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s n -l no-isolation -d 'Build in the interpreter\'s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s x -l skip-dependency-check -d 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s v -l verbose -d 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s r -l repository -d 'Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l repository-url -d 'Address to upload to [env: PKGCTL_REPOSITORY_URL]' -r -f
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s u -l username -d 'User to upload as [env: PKGCTL_USERNAME]' -r -f -a "(__fish_complete_users)"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s p -l password -d 'Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l config-file -l pypirc -d 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l cert -d 'PEM file with further certificate authorities [env: PKGCTL_CERT]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l client-cert -d 'PEM file with the client\'s certificate and key [env: PKGCTL_CLIENT_CERT]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s c -l comment -d 'Remark to send with each file' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l retry-delay -d 'Pause before the first repetition of a failed request; doubles each time' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l password-stdin -d 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l skip-existing -d 'Ask the index first, skip what it has, and believe it when it has a file but shows no digest'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l non-interactive -d 'Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l disable-progress-bar -d 'Show no progress bar'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s v -l verbose -d 'Say where address, user and password come from'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "serve" -d 'Serve folders of wheels and sdists as a Python package index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "adduser" -d 'Add a user to the passwords file, or change a password'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "configure" -d 'Set up this account\'s pip, twine and `pkgctl publish` for a private index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "build" -d 'Build an sdist and a wheel of a Python project'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "publish" -d 'Upload distributions to a package index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "completions" -d 'Print the script that completes pkgctl\'s commands and options in a shell'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure build publish completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
