
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
            cand adduser 'Add a user to the passwords file, change a password, or see who is in it'
            cand configure 'Set up this account''s pip, twine and `pkgctl publish` for a private index'
            cand doctor 'Find out what is wrong between you, your tools and the index'
            cand build 'Build an sdist and a wheel of a Python project'
            cand cache 'Show or remove the environments that builds keep'
            cand check 'Check distributions before they are published'
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
            cand --socket 'Unix socket to listen on instead, for a proxy on this machine [env: PKGCTL_SOCKET]'
            cand --tls-cert 'Certificate chain for HTTPS and HTTP/2, a PEM file; read again when it changes [env: PKGCTL_TLS_CERT]'
            cand --tls-key 'Private key of the certificate, a PEM file without a passphrase [env: PKGCTL_TLS_KEY]'
            cand --trusted-proxy 'Addresses or networks of proxies that tell the client''s own address and host, or `none` (may be repeated); whoever comes through --socket counts as one [env: PKGCTL_TRUSTED_PROXY]'
            cand --server 'Ignored: pypiserver''s choice of an HTTP server; this one has its own'
            cand -P 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]'
            cand --passwords 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]'
            cand -a 'What needs a password: a list of update, download, list and metrics, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]'
            cand --authenticate 'What needs a password: a list of update, download, list and metrics, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]'
            cand --fallback-url 'Simple index where clients are sent for projects that were never here [env: PKGCTL_FALLBACK_URL]'
            cand --private 'Names that are never sent to the fallback, such as `corp-*` (may be repeated) [env: PKGCTL_PRIVATE]'
            cand --hash-algo 'Digest shown in pages [env: PKGCTL_HASH_ALGO]'
            cand --welcome 'Page to show at the address of the index, with {{URL}}, {{VERSION}}, {{NUMPKGS}}, {{PACKAGES}} and {{SIMPLE}} filled in [env: PKGCTL_WELCOME]'
            cand --cache-control 'How long clients may keep downloads without asking; 0 is as if not given [env: PKGCTL_CACHE_CONTROL] [default: for ever, with --overwrite not at all]'
            cand --server-base-url 'Path below which everything is served, such as /pypi [env: PKGCTL_SERVER_BASE_URL]'
            cand --health-endpoint 'Path that answers `Ok` as long as the server is alive [env: PKGCTL_HEALTH_ENDPOINT]'
            cand --max-upload-size 'Largest file that may be uploaded, in bytes or with K, M or G behind [env: PKGCTL_MAX_UPLOAD_SIZE]'
            cand --keep-free 'Space on the disk that uploads leave alone, in bytes or with K, M or G behind [env: PKGCTL_KEEP_FREE] [default: 512M, or 5 % of the disk when that is more]'
            cand --state-dir 'Folder for the catalog and unfinished uploads [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]'
            cand --backend 'Ignored: pypiserver''s choice of a cache; this one has its own'
            cand --max-connections 'Connections at a time; more wait until one ends [env: PKGCTL_MAX_CONNECTIONS]'
            cand --max-uploads 'Uploads that are received at a time; some more wait for their turn [env: PKGCTL_MAX_UPLOADS]'
            cand --head-timeout 'Time for the head of a request, from its first byte to its last, and for a TLS handshake [env: PKGCTL_HEAD_TIMEOUT]'
            cand --idle-timeout 'Time that a connection may be silent between requests [env: PKGCTL_IDLE_TIMEOUT]'
            cand --body-timeout 'Time that an upload may pause, or a client take nothing of a download [env: PKGCTL_BODY_TIMEOUT]'
            cand --upload-timeout 'Time for a whole upload [env: PKGCTL_UPLOAD_TIMEOUT]'
            cand --stop-timeout 'Time that requests in flight have to finish when the server is stopped [env: PKGCTL_STOP_TIMEOUT]'
            cand --log-format 'Shape of a line [env: PKGCTL_LOG_FORMAT]'
            cand --log-frmt 'Shape of a line of text, as Python describes it: ''%(asctime)s %(levelname)s %(message)s'' [env: PKGCTL_LOG_FRMT]'
            cand --log-file 'File that gets the log beside the stream; SIGHUP opens it anew [env: PKGCTL_LOG_FILE]'
            cand --log-stream 'Stream that gets the log [env: PKGCTL_LOG_STREAM]'
            cand --log-req-frmt 'Ignored: pypiserver''s shape of a request in its log; see --log-format'
            cand --log-res-frmt 'Ignored: pypiserver''s shape of a response in its log; see --log-format'
            cand --log-err-frmt 'Ignored: pypiserver''s shape of a failure in its log; see --log-format'
            cand --config 'Settings file [env: PKGCTL_CONFIG] [default: .pkgctl/pkgctl.toml in the first folder, else pkgctl/pkgctl.toml in your configuration folder]'
            cand --allow-weak-passwords 'Take passwords in plain text and DES crypt too, as pypiserver does; the log names their users [env: PKGCTL_ALLOW_WEAK_PASSWORDS]'
            cand --disable-fallback 'Answer 404 for projects that were never here [env: PKGCTL_DISABLE_FALLBACK]'
            cand -o 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]'
            cand --overwrite 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]'
            cand -v 'Log more; twice for everything [env: PKGCTL_VERBOSE]'
            cand --verbose 'Log more; twice for everything [env: PKGCTL_VERBOSE]'
            cand --show-config 'Print every setting, its value and where it came from as a settings file, and exit'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'pkgctl;adduser'= {
            cand -f 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]'
            cand --file 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]'
            cand -C 'Work of one bcrypt check: each step doubles it, 12 takes about a quarter of a second'
            cand --cost 'Work of one bcrypt check: each step doubles it, 12 takes about a quarter of a second'
            cand -r 'Rounds of sha512-crypt and sha256-crypt'
            cand --rounds 'Rounds of sha512-crypt and sha256-crypt'
            cand -p 'Refused: other users could read it'
            cand --password 'Refused: other users could read it'
            cand -i 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --password-stdin 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --generate 'Make up a strong password and print it, once, as the only line on stdout'
            cand -D 'Remove the user'
            cand --delete 'Remove the user'
            cand -l 'Tell each user and how the password is stored; tab-separated, unless at a terminal'
            cand --list 'Tell each user and how the password is stored; tab-separated, unless at a terminal'
            cand -v 'Tell whether a password is the user''s: exit code 0 or 1'
            cand --verify 'Tell whether a password is the user''s: exit code 0 or 1'
            cand -n 'Print the line to stdout and leave the file alone'
            cand --print 'Print the line to stdout and leave the file alone'
            cand -B 'With bcrypt; the default, read by everybody'
            cand --bcrypt 'With bcrypt; the default, read by everybody'
            cand -5 'With sha512-crypt, where rules ask for SHA-2; Apache and nginx read it where the system does'
            cand --sha512-crypt 'With sha512-crypt, where rules ask for SHA-2; Apache and nginx read it where the system does'
            cand -2 'With sha256-crypt, likewise'
            cand --sha256-crypt 'With sha256-crypt, likewise'
            cand --argon2 'With Argon2, which only `pkgctl serve` reads'
            cand -s 'As an unsalted SHA-1, as `htpasswd -s` does; for readers that know nothing better'
            cand --sha1 'As an unsalted SHA-1, as `htpasswd -s` does; for readers that know nothing better'
            cand -c 'Accepted from habit: the file is created when it is missing, and never wiped'
            cand -b 'Refused: `htpasswd -b` takes the password as an argument'
            cand -m 'Refused: stores a password that is easily guessed'
            cand -d 'Refused: stores a password that is easily guessed'
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
            cand -p 'Refused: other users could read it'
            cand --password 'Refused: other users could read it'
            cand --pypirc 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]'
            cand --config-file 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]'
            cand --pip-conf 'File with pip''s settings [env: PKGCTL_PIP_CONF] [default: pip''s own of this user]'
            cand --index-url 'Make it the only index instead of one more'
            cand --extra-index-url 'Make it one more index again, where it was the only one'
            cand --password-stdin 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --no-password 'Store no password, and forget one that is stored'
            cand --keyring 'Store the password in the system''s keyring instead of files, through the program `keyring`'
            cand --uv 'uv: an [[index]] with publish-url in uv.toml; a tool that knows the name already needs no flag'
            cand --poetry 'poetry: the repository in config.toml, its login in auth.toml'
            cand --pdm 'pdm: the repository and the index in config.toml'
            cand --hatch 'hatch: the repository in config.toml'
            cand --netrc '~/.netrc: the login for the index''s host, where pip and uv look when reading takes one [env: NETRC names the file]'
            cand --all 'All of these that are installed or have settings already, and ~/.netrc where there is a password for it'
            cand --dry-run 'Show what would change and write nothing'
            cand --remove 'Take out again what earlier runs wrote, of all tools'
            cand --print-env 'Print variables for CI as `export` lines instead of writing files'
            cand --print-password 'Print the password itself with --print-env; logs keep it'
            cand --offline 'Don''t ask the server afterwards [env: PKGCTL_OFFLINE]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;doctor'= {
            cand --folder 'Folder of packages to look at (may be repeated) [default: ~/packages, if it is there]'
            cand -P 'Passwords file to look at [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]'
            cand --passwords 'Passwords file to look at [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]'
            cand --state-dir 'Folder of the server''s catalog [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]'
            cand --live 'Only ask whether the server is alive, at URL or where the settings of `serve` have it; says nothing when it is'
            cand --verify 'Read every package from its first byte to its last, and compare it with the digests that the server recorded'
            cand --offline 'Ask no server'
            cand --json 'Print the findings as JSON'
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
            cand -j 'Projects to build at a time [env: PKGCTL_BUILD_JOBS] [default: the number of cores]'
            cand --jobs 'Projects to build at a time [env: PKGCTL_BUILD_JOBS] [default: the number of cores]'
            cand --cache-dir 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user''s cache folder]'
            cand --cache-max-gib 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]'
            cand --cache-max-days 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]'
            cand --cache-fresh-hours 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]'
            cand -s 'Build only the sdist; with --wheel, both from the project''s folder'
            cand --sdist 'Build only the sdist; with --wheel, both from the project''s folder'
            cand -w 'Build only the wheel, from the project''s folder; with --sdist, both'
            cand --wheel 'Build only the wheel, from the project''s folder; with --sdist, both'
            cand --clear 'When all is built, remove this project''s other distributions from that folder [env: PKGCTL_CLEAR]'
            cand --json 'Print a JSON document about the artifacts instead of their paths'
            cand -n 'Build in the interpreter''s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]'
            cand --no-isolation 'Build in the interpreter''s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]'
            cand -x 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]'
            cand --skip-dependency-check 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]'
            cand --reproducible 'Build everything twice and compare byte for byte; what differs is told, and nothing is written then [env: PKGCTL_REPRODUCIBLE]'
            cand --setup-py 'Run `python setup.py sdist bdist_wheel` in the interpreter''s own environment, without a build backend [env: PKGCTL_SETUP_PY]'
            cand --no-cache 'Make a new environment, and keep none [env: PKGCTL_NO_CACHE]'
            cand -v 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]'
            cand --verbose 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;cache'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand info 'List the kept environments with their sizes and ages, the last used first'
            cand prune 'Remove environments that are too old or too many, and what interrupted builds have left'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pkgctl;cache;info'= {
            cand --cache-dir 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user''s cache folder]'
            cand --cache-max-gib 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]'
            cand --cache-max-days 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]'
            cand --cache-fresh-hours 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'pkgctl;cache;prune'= {
            cand --cache-dir 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user''s cache folder]'
            cand --cache-max-gib 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]'
            cand --cache-max-days 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]'
            cand --cache-fresh-hours 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]'
            cand --all 'Remove all that no build uses now, and build logs and README records with it'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'pkgctl;cache;help'= {
            cand info 'List the kept environments with their sizes and ages, the last used first'
            cand prune 'Remove environments that are too old or too many, and what interrupted builds have left'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pkgctl;cache;help;info'= {
        }
        &'pkgctl;cache;help;prune'= {
        }
        &'pkgctl;cache;help;help'= {
        }
        &'pkgctl;check'= {
            cand --strict 'Count warnings as errors'
            cand --json 'Print what was found as JSON'
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
            cand --check-url 'List of projects to ask, as installers use it, where it is not in a usual place [env: PKGCTL_CHECK_URL]'
            cand -j 'Files to send at a time; sdists wait for the wheels of their release [env: PKGCTL_JOBS]'
            cand --jobs 'Files to send at a time; sdists wait for the wheels of their release [env: PKGCTL_JOBS]'
            cand --sign-with 'Program that signs, called as gpg is'
            cand -i 'Key to sign with, as gpg names it'
            cand --identity 'Key to sign with, as gpg names it'
            cand -c 'Remark to send with each file'
            cand --comment 'Remark to send with each file'
            cand --cert 'PEM file with further certificate authorities [env: PKGCTL_CERT]'
            cand --client-cert 'PEM file with the client''s certificate and key [env: PKGCTL_CLIENT_CERT]'
            cand --retry-delay 'Pause before the first repetition of a failed request; doubles each time'
            cand --password-stdin 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]'
            cand --dry-run 'Send nothing; show what would be sent, where, as whom, and what the index says to it'
            cand --skip-existing 'Ask the index first, skip what it has, and believe it when it has a file but shows no digest'
            cand --verify 'Check afterwards that the index lists every file with its digest, as is done unless --no-verify is given'
            cand --no-verify 'Don''t ask the index afterwards whether it lists the files'
            cand -s 'Sign the files that have no signature yet, with gpg'
            cand --sign 'Sign the files that have no signature yet, with gpg'
            cand --attestations 'Send the attestations that lie beside each file as FILE.*.attestation'
            cand --non-interactive 'Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]'
            cand --json 'Write what became of each file to stdout as JSON'
            cand --disable-progress-bar 'Show no progress bar'
            cand -v 'Say where address, user and password come from, and which files with which digests are sent'
            cand --verbose 'Say where address, user and password come from, and which files with which digests are sent'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;help'= {
            cand serve 'Serve folders of wheels and sdists as a Python package index'
            cand adduser 'Add a user to the passwords file, change a password, or see who is in it'
            cand configure 'Set up this account''s pip, twine and `pkgctl publish` for a private index'
            cand doctor 'Find out what is wrong between you, your tools and the index'
            cand build 'Build an sdist and a wheel of a Python project'
            cand cache 'Show or remove the environments that builds keep'
            cand check 'Check distributions before they are published'
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
        &'pkgctl;help;doctor'= {
        }
        &'pkgctl;help;build'= {
        }
        &'pkgctl;help;cache'= {
            cand info 'List the kept environments with their sizes and ages, the last used first'
            cand prune 'Remove environments that are too old or too many, and what interrupted builds have left'
        }
        &'pkgctl;help;cache;info'= {
        }
        &'pkgctl;help;cache;prune'= {
        }
        &'pkgctl;help;check'= {
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
