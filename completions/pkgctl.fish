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
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "adduser" -d 'Add a user to the passwords file, change a password, or see who is in it'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "configure" -d 'Set up this account\'s pip, twine and `pkgctl publish` for a private index'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "doctor" -d 'Find out what is wrong between you, your tools and the index'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "build" -d 'Build an sdist and a wheel of a Python project'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "cache" -d 'Show or remove the environments that builds keep'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "check" -d 'Check distributions before they are published'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "publish" -d 'Upload distributions to a package index'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "completions" -d 'Print the script that completes pkgctl\'s commands and options in a shell'
complete -c pkgctl -n "__fish_pkgctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s p -l port -d 'Port to listen on; 0 picks a free one [env: PKGCTL_PORT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s i -s H -l host -l interface -d 'Address or name of the interface to listen on [env: PKGCTL_HOST]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l socket -d 'Unix socket to listen on instead, for a proxy on this machine [env: PKGCTL_SOCKET]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l tls-cert -d 'Certificate chain for HTTPS and HTTP/2, a PEM file; read again when it changes [env: PKGCTL_TLS_CERT]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l tls-key -d 'Private key of the certificate, a PEM file without a passphrase [env: PKGCTL_TLS_KEY]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l trusted-proxy -d 'Addresses or networks of proxies that tell the client\'s own address and host, or `none` (may be repeated); whoever comes through --socket counts as one [env: PKGCTL_TRUSTED_PROXY]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l server -d 'Ignored: pypiserver\'s choice of an HTTP server; this one has its own' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s P -l passwords -d 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s a -l authenticate -d 'What needs a password: a list of update, download, list and metrics, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l fallback-url -d 'Simple index where clients are sent for projects that were never here [env: PKGCTL_FALLBACK_URL]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l private -d 'Names that are never sent to the fallback, such as `corp-*` (may be repeated) [env: PKGCTL_PRIVATE]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l hash-algo -d 'Digest shown in pages [env: PKGCTL_HASH_ALGO]' -r -f -a "md5\t''
sha256\t''
sha384\t''
sha512\t''
off\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l welcome -d 'Page to show at the address of the index, with {{URL}}, {{VERSION}}, {{NUMPKGS}}, {{PACKAGES}} and {{SIMPLE}} filled in [env: PKGCTL_WELCOME]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l cache-control -d 'How long clients may keep downloads without asking; 0 is as if not given [env: PKGCTL_CACHE_CONTROL] [default: for ever, with --overwrite not at all]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l server-base-url -d 'Path below which everything is served, such as /pypi [env: PKGCTL_SERVER_BASE_URL]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l health-endpoint -d 'Path that answers `Ok` as long as the server is alive [env: PKGCTL_HEALTH_ENDPOINT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l max-upload-size -d 'Largest file that may be uploaded, in bytes or with K, M or G behind [env: PKGCTL_MAX_UPLOAD_SIZE]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l keep-free -d 'Space on the disk that uploads leave alone, in bytes or with K, M or G behind [env: PKGCTL_KEEP_FREE] [default: 512M, or 5 % of the disk when that is more]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l state-dir -d 'Folder for the catalog and unfinished uploads [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l backend -d 'Ignored: pypiserver\'s choice of a cache; this one has its own' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l max-connections -d 'Connections at a time; more wait until one ends [env: PKGCTL_MAX_CONNECTIONS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l max-uploads -d 'Uploads that are received at a time; some more wait for their turn [env: PKGCTL_MAX_UPLOADS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l head-timeout -d 'Time for the head of a request, from its first byte to its last, and for a TLS handshake [env: PKGCTL_HEAD_TIMEOUT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l idle-timeout -d 'Time that a connection may be silent between requests [env: PKGCTL_IDLE_TIMEOUT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l body-timeout -d 'Time that an upload may pause, or a client take nothing of a download [env: PKGCTL_BODY_TIMEOUT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l upload-timeout -d 'Time for a whole upload [env: PKGCTL_UPLOAD_TIMEOUT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l stop-timeout -d 'Time that requests in flight have to finish when the server is stopped [env: PKGCTL_STOP_TIMEOUT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-format -d 'Shape of a line [env: PKGCTL_LOG_FORMAT]' -r -f -a "text\t''
json\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-frmt -d 'Shape of a line of text, as Python describes it: \'%(asctime)s %(levelname)s %(message)s\' [env: PKGCTL_LOG_FRMT]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-file -d 'File that gets the log beside the stream; SIGHUP opens it anew [env: PKGCTL_LOG_FILE]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-stream -d 'Stream that gets the log [env: PKGCTL_LOG_STREAM]' -r -f -a "stderr\t''
stdout\t''
none\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-req-frmt -d 'Ignored: pypiserver\'s shape of a request in its log; see --log-format' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-res-frmt -d 'Ignored: pypiserver\'s shape of a response in its log; see --log-format' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l log-err-frmt -d 'Ignored: pypiserver\'s shape of a failure in its log; see --log-format' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l config -d 'Settings file [env: PKGCTL_CONFIG] [default: .pkgctl/pkgctl.toml in the first folder, else pkgctl/pkgctl.toml in your configuration folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l allow-weak-passwords -d 'Take passwords in plain text and DES crypt too, as pypiserver does; the log names their users [env: PKGCTL_ALLOW_WEAK_PASSWORDS]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l disable-fallback -d 'Answer 404 for projects that were never here [env: PKGCTL_DISABLE_FALLBACK]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s o -l overwrite -d 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s v -l verbose -d 'Log more; twice for everything [env: PKGCTL_VERBOSE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -l show-config -d 'Print every setting, its value and where it came from as a settings file, and exit'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand serve" -s V -l version -d 'Print version'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s f -l file -d 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s C -l cost -d 'Work of one bcrypt check: each step doubles it, 12 takes about a quarter of a second' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s r -l rounds -d 'Rounds of sha512-crypt and sha256-crypt' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s p -l password -d 'Refused: other users could read it' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s i -l password-stdin -d 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -l generate -d 'Make up a strong password and print it, once, as the only line on stdout'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s D -l delete -d 'Remove the user'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s l -l list -d 'Tell each user and how the password is stored; tab-separated, unless at a terminal'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s v -l verify -d 'Tell whether a password is the user\'s: exit code 0 or 1'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s n -l print -d 'Print the line to stdout and leave the file alone'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s B -l bcrypt -d 'With bcrypt; the default, read by everybody'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s 5 -l sha512-crypt -d 'With sha512-crypt, where rules ask for SHA-2; Apache and nginx read it where the system does'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s 2 -l sha256-crypt -d 'With sha256-crypt, likewise'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -l argon2 -d 'With Argon2, which only `pkgctl serve` reads'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s s -l sha1 -d 'As an unsalted SHA-1, as `htpasswd -s` does; for readers that know nothing better'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s c -d 'Accepted from habit: the file is created when it is missing, and never wiped'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s b -d 'Refused: `htpasswd -b` takes the password as an argument'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s m -d 'Refused: stores a password that is easily guessed'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s d -d 'Refused: stores a password that is easily guessed'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand adduser" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l name -l repository -d 'Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l url -l repository-url -d 'Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]' -r -f
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -s u -l username -d 'User to upload as [env: PKGCTL_USERNAME]' -r -f -a "(__fish_complete_users)"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -s p -l password -d 'Refused: other users could read it' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l pypirc -l config-file -d 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l pip-conf -d 'File with pip\'s settings [env: PKGCTL_PIP_CONF] [default: pip\'s own of this user]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l index-url -d 'Make it the only index instead of one more'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l extra-index-url -d 'Make it one more index again, where it was the only one'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l password-stdin -d 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l no-password -d 'Store no password, and forget one that is stored'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l keyring -d 'Store the password in the system\'s keyring instead of files, through the program `keyring`'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l uv -d 'uv: an [[index]] with publish-url in uv.toml; a tool that knows the name already needs no flag'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l poetry -d 'poetry: the repository in config.toml, its login in auth.toml'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l pdm -d 'pdm: the repository and the index in config.toml'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l hatch -d 'hatch: the repository in config.toml'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l netrc -d '~/.netrc: the login for the index\'s host, where pip and uv look when reading takes one [env: NETRC names the file]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l all -d 'All of these that are installed or have settings already, and ~/.netrc where there is a password for it'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l dry-run -d 'Show what would change and write nothing'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l remove -d 'Take out again what earlier runs wrote, of all tools'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l print-env -d 'Print variables for CI as `export` lines instead of writing files'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l print-password -d 'Print the password itself with --print-env; logs keep it'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -l offline -d 'Don\'t ask the server afterwards [env: PKGCTL_OFFLINE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand configure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -l folder -d 'Folder of packages to look at (may be repeated) [default: ~/packages, if it is there]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -s P -l passwords -d 'Passwords file to look at [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -l state-dir -d 'Folder of the server\'s catalog [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -l live -d 'Only ask whether the server is alive, at URL or where the settings of `serve` have it; says nothing when it is'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -l verify -d 'Read every package from its first byte to its last, and compare it with the digests that the server recorded'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -l offline -d 'Ask no server'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -l json -d 'Print the findings as JSON'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s o -l outdir -d 'Folder for the artifacts [env: PKGCTL_OUTDIR] [default: dist in SOURCE, or beside the sdist]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s C -l config-setting -d 'Tell the build backend a setting; a repeated key makes a list' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l python -d 'Interpreter to build with: a path, a version such as 3.12, or a program\'s name [env: PKGCTL_PYTHON] [default: that of the active virtual environment, else python3, else python]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l installer -d 'Program that installs the build requirements; auto is uv when there is one, else pip [env: PKGCTL_INSTALLER]' -r -f -a "auto\t''
pip\t''
uv\t''"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s j -l jobs -d 'Projects to build at a time [env: PKGCTL_BUILD_JOBS] [default: the number of cores]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l cache-dir -d 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user\'s cache folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l cache-max-gib -d 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l cache-max-days -d 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l cache-fresh-hours -d 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s s -l sdist -d 'Build only the sdist; with --wheel, both from the project\'s folder'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s w -l wheel -d 'Build only the wheel, from the project\'s folder; with --sdist, both'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l clear -d 'When all is built, remove this project\'s other distributions from that folder [env: PKGCTL_CLEAR]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l json -d 'Print a JSON document about the artifacts instead of their paths'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s n -l no-isolation -d 'Build in the interpreter\'s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s x -l skip-dependency-check -d 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l reproducible -d 'Build everything twice and compare byte for byte; what differs is told, and nothing is written then [env: PKGCTL_REPRODUCIBLE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l setup-py -d 'Run `python setup.py sdist bdist_wheel` in the interpreter\'s own environment, without a build backend [env: PKGCTL_SETUP_PY]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -l no-cache -d 'Make a new environment, and keep none [env: PKGCTL_NO_CACHE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s v -l verbose -d 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and not __fish_seen_subcommand_from info prune help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and not __fish_seen_subcommand_from info prune help" -f -a "info" -d 'List the kept environments with their sizes and ages, the last used first'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and not __fish_seen_subcommand_from info prune help" -f -a "prune" -d 'Remove environments that are too old or too many, and what interrupted builds have left'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and not __fish_seen_subcommand_from info prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from info" -l cache-dir -d 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user\'s cache folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from info" -l cache-max-gib -d 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from info" -l cache-max-days -d 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from info" -l cache-fresh-hours -d 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from prune" -l cache-dir -d 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user\'s cache folder]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from prune" -l cache-max-gib -d 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from prune" -l cache-max-days -d 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from prune" -l cache-fresh-hours -d 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from prune" -l all -d 'Remove all that no build uses now, and build logs and README records with it'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from help" -f -a "info" -d 'List the kept environments with their sizes and ages, the last used first'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove environments that are too old or too many, and what interrupted builds have left'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand cache; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand check" -l strict -d 'Count warnings as errors'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand check" -l json -d 'Print what was found as JSON'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s r -l repository -d 'Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l repository-url -d 'Address to upload to [env: PKGCTL_REPOSITORY_URL]' -r -f
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s u -l username -d 'User to upload as [env: PKGCTL_USERNAME]' -r -f -a "(__fish_complete_users)"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s p -l password -d 'Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l config-file -l pypirc -d 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l check-url -d 'List of projects to ask, as installers use it, where it is not in a usual place [env: PKGCTL_CHECK_URL]' -r -f
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s j -l jobs -d 'Files to send at a time; sdists wait for the wheels of their release [env: PKGCTL_JOBS]' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l sign-with -d 'Program that signs, called as gpg is' -r -f -a "(__fish_complete_command)"
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s i -l identity -d 'Key to sign with, as gpg names it' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s c -l comment -d 'Remark to send with each file' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l cert -d 'PEM file with further certificate authorities [env: PKGCTL_CERT]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l client-cert -d 'PEM file with the client\'s certificate and key [env: PKGCTL_CLIENT_CERT]' -r -F
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l retry-delay -d 'Pause before the first repetition of a failed request; doubles each time' -r
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l password-stdin -d 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l dry-run -d 'Send nothing; show what would be sent, where, as whom, and what the index says to it'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l skip-existing -d 'Ask the index first, skip what it has, and believe it when it has a file but shows no digest'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l verify -d 'Check afterwards that the index lists every file with its digest, as is done unless --no-verify is given'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l no-verify -d 'Don\'t ask the index afterwards whether it lists the files'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s s -l sign -d 'Sign the files that have no signature yet, with gpg'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l attestations -d 'Send the attestations that lie beside each file as FILE.*.attestation'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l non-interactive -d 'Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l json -d 'Write what became of each file to stdout as JSON'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -l disable-progress-bar -d 'Show no progress bar'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s v -l verbose -d 'Say where address, user and password come from, and which files with which digests are sent'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand publish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "serve" -d 'Serve folders of wheels and sdists as a Python package index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "adduser" -d 'Add a user to the passwords file, change a password, or see who is in it'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "configure" -d 'Set up this account\'s pip, twine and `pkgctl publish` for a private index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "doctor" -d 'Find out what is wrong between you, your tools and the index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "build" -d 'Build an sdist and a wheel of a Python project'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "cache" -d 'Show or remove the environments that builds keep'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "check" -d 'Check distributions before they are published'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "publish" -d 'Upload distributions to a package index'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "completions" -d 'Print the script that completes pkgctl\'s commands and options in a shell'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and not __fish_seen_subcommand_from serve adduser configure doctor build cache check publish completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and __fish_seen_subcommand_from cache" -f -a "info" -d 'List the kept environments with their sizes and ages, the last used first'
complete -c pkgctl -n "__fish_pkgctl_using_subcommand help; and __fish_seen_subcommand_from cache" -f -a "prune" -d 'Remove environments that are too old or too many, and what interrupted builds have left'
