
use builtin;
use str;

set edit:completion:arg-completer[pkgctl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'pkgctl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'pkgctl'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand serve 'Serve folders of wheels and sdists as a Python package index'
            cand adduser 'Add a user to the passwords file, or change a password'
            cand configure 'Set up this account''s pip, twine and `pkgctl publish` for a private index'
            cand build 'Build an sdist and a wheel of a Python project'
            cand publish 'Upload distributions to a package index'
            cand completions 'Print the script that completes pkgctl''s commands and options in a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pkgctl;serve'= {
            cand -p 'Port to listen on; 0 picks a free one [env: PKGCTL_PORT]'
            cand --port 'Port to listen on; 0 picks a free one [env: PKGCTL_PORT]'
            cand -i 'Address or name of the interface to listen on [env: PKGCTL_HOST]'
            cand -H 'Address or name of the interface to listen on [env: PKGCTL_HOST]'
            cand --host 'Address or name of the interface to listen on [env: PKGCTL_HOST]'
            cand --interface 'Address or name of the interface to listen on [env: PKGCTL_HOST]'
            cand -P 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]'
            cand --passwords 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]'
            cand -a 'What needs a password: a list of update, download and list, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]'
            cand --authenticate 'What needs a password: a list of update, download and list, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]'
            cand --fallback-url 'Simple index where clients are sent for projects that were never here [env: PKGCTL_FALLBACK_URL]'
            cand --private 'Names that are never sent to the fallback, such as `corp-*` (may be repeated) [env: PKGCTL_PRIVATE]'
            cand --hash-algo 'Digest shown in pages [env: PKGCTL_HASH_ALGO]'
            cand --max-upload-size 'Largest file that may be uploaded, in bytes or with K, M or G behind [env: PKGCTL_MAX_UPLOAD_SIZE]'
            cand --state-dir 'Folder for the catalog and unfinished uploads [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]'
            cand --server 'Ignored: pypiserver''s choice of an HTTP server; this one has its own'
            cand --backend 'Ignored: pypiserver''s choice of a cache; this one has its own'
            cand --log-format 'Shape of the log on stderr [env: PKGCTL_LOG_FORMAT]'
            cand -o 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]'
            cand --overwrite 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]'
            cand --disable-fallback 'Answer 404 for projects that were never here [env: PKGCTL_DISABLE_FALLBACK]'
            cand -v 'Log more; twice for everything'
            cand --verbose 'Log more; twice for everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;adduser'= {
            cand -f 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]'
            cand --file 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]'
            cand --cost 'Work of one password check: each step doubles it, 12 takes about a quarter of a second'
            cand -p 'Refused: other users could read it'
            cand --password 'Refused: other users could read it'
            cand --password-stdin 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --delete 'Remove the user instead'
            cand -s 'Store an unsalted SHA-1 as `htpasswd -s` does; for readers that know nothing better'
            cand --sha1 'Store an unsalted SHA-1 as `htpasswd -s` does; for readers that know nothing better'
            cand -c 'Accepted from habit: the file is created when it is missing, and never wiped'
            cand -b 'Refused: `htpasswd -b` takes the password as an argument'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;configure'= {
            cand --name 'Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]'
            cand --repository 'Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]'
            cand --url 'Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]'
            cand --repository-url 'Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]'
            cand -u 'User to upload as [env: PKGCTL_USERNAME]'
            cand --username 'User to upload as [env: PKGCTL_USERNAME]'
            cand --pypirc 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]'
            cand --config-file 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]'
            cand --pip-conf 'File with pip''s settings [env: PKGCTL_PIP_CONF] [default: pip''s own of this user]'
            cand -p 'Refused: other users could read it'
            cand --password 'Refused: other users could read it'
            cand --password-stdin 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --no-password 'Store no password, and forget one that is stored'
            cand --index-url 'Make it the only index instead of one more'
            cand --extra-index-url 'Make it one more index again, where it was the only one'
            cand --dry-run 'Show what would change and write nothing'
            cand --remove 'Take out again what an earlier run wrote'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;build'= {
            cand -o 'Folder for the artifacts [env: PKGCTL_OUTDIR] [default: dist in SOURCE, or beside the sdist]'
            cand --outdir 'Folder for the artifacts [env: PKGCTL_OUTDIR] [default: dist in SOURCE, or beside the sdist]'
            cand -C 'Tell the build backend a setting; a repeated key makes a list'
            cand --config-setting 'Tell the build backend a setting; a repeated key makes a list'
            cand --python 'Interpreter to build with: a path, a version such as 3.12, or a program''s name [env: PKGCTL_PYTHON] [default: that of the active virtual environment, else python3, else python]'
            cand --installer 'Program that installs the build requirements; auto is uv when there is one, else pip [env: PKGCTL_INSTALLER]'
            cand -s 'Build only the sdist; with --wheel, both from the project''s folder'
            cand --sdist 'Build only the sdist; with --wheel, both from the project''s folder'
            cand -w 'Build only the wheel, from the project''s folder; with --sdist, both'
            cand --wheel 'Build only the wheel, from the project''s folder; with --sdist, both'
            cand -n 'Build in the interpreter''s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]'
            cand --no-isolation 'Build in the interpreter''s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]'
            cand -x 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]'
            cand --skip-dependency-check 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]'
            cand -v 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]'
            cand --verbose 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;publish'= {
            cand -r 'Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]'
            cand --repository 'Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]'
            cand --repository-url 'Address to upload to [env: PKGCTL_REPOSITORY_URL]'
            cand -u 'User to upload as [env: PKGCTL_USERNAME]'
            cand --username 'User to upload as [env: PKGCTL_USERNAME]'
            cand -p 'Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]'
            cand --password 'Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]'
            cand --config-file 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]'
            cand --pypirc 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]'
            cand --cert 'PEM file with further certificate authorities [env: PKGCTL_CERT]'
            cand --client-cert 'PEM file with the client''s certificate and key [env: PKGCTL_CLIENT_CERT]'
            cand -c 'Remark to send with each file'
            cand --comment 'Remark to send with each file'
            cand --retry-delay 'Pause before the first repetition of a failed request; doubles each time'
            cand --password-stdin 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --skip-existing 'Ask the index first, skip what it has, and believe it when it has a file but shows no digest'
            cand --non-interactive 'Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]'
            cand --disable-progress-bar 'Show no progress bar'
            cand -v 'Say where address, user and password come from'
            cand --verbose 'Say where address, user and password come from'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;help'= {
            cand serve 'Serve folders of wheels and sdists as a Python package index'
            cand adduser 'Add a user to the passwords file, or change a password'
            cand configure 'Set up this account''s pip, twine and `pkgctl publish` for a private index'
            cand build 'Build an sdist and a wheel of a Python project'
            cand publish 'Upload distributions to a package index'
            cand completions 'Print the script that completes pkgctl''s commands and options in a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pkgctl;help;serve'= {
        }
        &'pkgctl;help;adduser'= {
        }
        &'pkgctl;help;configure'= {
        }
        &'pkgctl;help;build'= {
        }
        &'pkgctl;help;publish'= {
        }
        &'pkgctl;help;completions'= {
        }
        &'pkgctl;help;help'= {
        }
    ]
    $completions[$command]
}
