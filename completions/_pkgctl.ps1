
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'pkgctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'pkgctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'pkgctl' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve folders of wheels and sdists as a Python package index')
            [CompletionResult]::new('adduser', 'adduser', [CompletionResultType]::ParameterValue, 'Add a user to the passwords file, change a password, or see who is in it')
            [CompletionResult]::new('configure', 'configure', [CompletionResultType]::ParameterValue, 'Set up this account''s pip, twine and `pkgctl publish` for a private index')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out what is wrong between you, your tools and the index')
            [CompletionResult]::new('build', 'build', [CompletionResultType]::ParameterValue, 'Build an sdist and a wheel of a Python project')
            [CompletionResult]::new('cache', 'cache', [CompletionResultType]::ParameterValue, 'Show or remove the environments that builds keep')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check distributions before they are published')
            [CompletionResult]::new('publish', 'publish', [CompletionResultType]::ParameterValue, 'Upload distributions to a package index')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the script that completes pkgctl''s commands and options in a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pkgctl;serve' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Port to listen on; 0 picks a free one [env: PKGCTL_PORT]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port to listen on; 0 picks a free one [env: PKGCTL_PORT]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Address or name of the interface to listen on [env: PKGCTL_HOST]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Address or name of the interface to listen on [env: PKGCTL_HOST]')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Address or name of the interface to listen on [env: PKGCTL_HOST]')
            [CompletionResult]::new('--interface', '--interface', [CompletionResultType]::ParameterName, 'Address or name of the interface to listen on [env: PKGCTL_HOST]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'Unix socket to listen on instead, for a proxy on this machine [env: PKGCTL_SOCKET]')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Certificate chain for HTTPS and HTTP/2, a PEM file; read again when it changes [env: PKGCTL_TLS_CERT]')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'Private key of the certificate, a PEM file without a passphrase [env: PKGCTL_TLS_KEY]')
            [CompletionResult]::new('--trusted-proxy', '--trusted-proxy', [CompletionResultType]::ParameterName, 'Addresses or networks of proxies that tell the client''s own address and host, or `none` (may be repeated); whoever comes through --socket counts as one [env: PKGCTL_TRUSTED_PROXY]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Ignored: pypiserver''s choice of an HTTP server; this one has its own')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]')
            [CompletionResult]::new('--passwords', '--passwords', [CompletionResultType]::ParameterName, 'Passwords file in htpasswd format, or `.` for none [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'What needs a password: a list of update, download, list and metrics, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]')
            [CompletionResult]::new('--authenticate', '--authenticate', [CompletionResultType]::ParameterName, 'What needs a password: a list of update, download, list and metrics, or `.` for nothing (with -P .) [env: PKGCTL_AUTHENTICATE] [default: update]')
            [CompletionResult]::new('--fallback-url', '--fallback-url', [CompletionResultType]::ParameterName, 'Simple index where clients are sent for projects that were never here [env: PKGCTL_FALLBACK_URL]')
            [CompletionResult]::new('--private', '--private', [CompletionResultType]::ParameterName, 'Names that are never sent to the fallback, such as `corp-*` (may be repeated) [env: PKGCTL_PRIVATE]')
            [CompletionResult]::new('--hash-algo', '--hash-algo', [CompletionResultType]::ParameterName, 'Digest shown in pages [env: PKGCTL_HASH_ALGO]')
            [CompletionResult]::new('--welcome', '--welcome', [CompletionResultType]::ParameterName, 'Page to show at the address of the index, with {{URL}}, {{VERSION}}, {{NUMPKGS}}, {{PACKAGES}} and {{SIMPLE}} filled in [env: PKGCTL_WELCOME]')
            [CompletionResult]::new('--cache-control', '--cache-control', [CompletionResultType]::ParameterName, 'How long clients may keep downloads without asking; 0 is as if not given [env: PKGCTL_CACHE_CONTROL] [default: for ever, with --overwrite not at all]')
            [CompletionResult]::new('--server-base-url', '--server-base-url', [CompletionResultType]::ParameterName, 'Path below which everything is served, such as /pypi [env: PKGCTL_SERVER_BASE_URL]')
            [CompletionResult]::new('--health-endpoint', '--health-endpoint', [CompletionResultType]::ParameterName, 'Path that answers `Ok` as long as the server is alive [env: PKGCTL_HEALTH_ENDPOINT]')
            [CompletionResult]::new('--max-upload-size', '--max-upload-size', [CompletionResultType]::ParameterName, 'Largest file that may be uploaded, in bytes or with K, M or G behind [env: PKGCTL_MAX_UPLOAD_SIZE]')
            [CompletionResult]::new('--keep-free', '--keep-free', [CompletionResultType]::ParameterName, 'Space on the disk that uploads leave alone, in bytes or with K, M or G behind [env: PKGCTL_KEEP_FREE] [default: 512M, or 5 % of the disk when that is more]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Folder for the catalog and unfinished uploads [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]')
            [CompletionResult]::new('--backend', '--backend', [CompletionResultType]::ParameterName, 'Ignored: pypiserver''s choice of a cache; this one has its own')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Connections at a time; more wait until one ends [env: PKGCTL_MAX_CONNECTIONS]')
            [CompletionResult]::new('--max-uploads', '--max-uploads', [CompletionResultType]::ParameterName, 'Uploads that are received at a time; some more wait for their turn [env: PKGCTL_MAX_UPLOADS]')
            [CompletionResult]::new('--head-timeout', '--head-timeout', [CompletionResultType]::ParameterName, 'Time for the head of a request, from its first byte to its last, and for a TLS handshake [env: PKGCTL_HEAD_TIMEOUT]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Time that a connection may be silent between requests [env: PKGCTL_IDLE_TIMEOUT]')
            [CompletionResult]::new('--body-timeout', '--body-timeout', [CompletionResultType]::ParameterName, 'Time that an upload may pause, or a client take nothing of a download [env: PKGCTL_BODY_TIMEOUT]')
            [CompletionResult]::new('--upload-timeout', '--upload-timeout', [CompletionResultType]::ParameterName, 'Time for a whole upload [env: PKGCTL_UPLOAD_TIMEOUT]')
            [CompletionResult]::new('--stop-timeout', '--stop-timeout', [CompletionResultType]::ParameterName, 'Time that requests in flight have to finish when the server is stopped [env: PKGCTL_STOP_TIMEOUT]')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Shape of a line [env: PKGCTL_LOG_FORMAT]')
            [CompletionResult]::new('--log-frmt', '--log-frmt', [CompletionResultType]::ParameterName, 'Shape of a line of text, as Python describes it: ''%(asctime)s %(levelname)s %(message)s'' [env: PKGCTL_LOG_FRMT]')
            [CompletionResult]::new('--log-file', '--log-file', [CompletionResultType]::ParameterName, 'File that gets the log beside the stream; SIGHUP opens it anew [env: PKGCTL_LOG_FILE]')
            [CompletionResult]::new('--log-stream', '--log-stream', [CompletionResultType]::ParameterName, 'Stream that gets the log [env: PKGCTL_LOG_STREAM]')
            [CompletionResult]::new('--log-req-frmt', '--log-req-frmt', [CompletionResultType]::ParameterName, 'Ignored: pypiserver''s shape of a request in its log; see --log-format')
            [CompletionResult]::new('--log-res-frmt', '--log-res-frmt', [CompletionResultType]::ParameterName, 'Ignored: pypiserver''s shape of a response in its log; see --log-format')
            [CompletionResult]::new('--log-err-frmt', '--log-err-frmt', [CompletionResultType]::ParameterName, 'Ignored: pypiserver''s shape of a failure in its log; see --log-format')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [env: PKGCTL_CONFIG] [default: .pkgctl/pkgctl.toml in the first folder, else pkgctl/pkgctl.toml in your configuration folder]')
            [CompletionResult]::new('--allow-weak-passwords', '--allow-weak-passwords', [CompletionResultType]::ParameterName, 'Take passwords in plain text and DES crypt too, as pypiserver does; the log names their users [env: PKGCTL_ALLOW_WEAK_PASSWORDS]')
            [CompletionResult]::new('--disable-fallback', '--disable-fallback', [CompletionResultType]::ParameterName, 'Answer 404 for projects that were never here [env: PKGCTL_DISABLE_FALLBACK]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'Let uploads replace files of the same name [env: PKGCTL_OVERWRITE]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything [env: PKGCTL_VERBOSE]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything [env: PKGCTL_VERBOSE]')
            [CompletionResult]::new('--show-config', '--show-config', [CompletionResultType]::ParameterName, 'Print every setting, its value and where it came from as a settings file, and exit')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pkgctl;adduser' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work of one bcrypt check: each step doubles it, 12 takes about a quarter of a second')
            [CompletionResult]::new('--cost', '--cost', [CompletionResultType]::ParameterName, 'Work of one bcrypt check: each step doubles it, 12 takes about a quarter of a second')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Rounds of sha512-crypt and sha256-crypt')
            [CompletionResult]::new('--rounds', '--rounds', [CompletionResultType]::ParameterName, 'Rounds of sha512-crypt and sha256-crypt')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Refused: other users could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: other users could read it')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'Make up a strong password and print it, once, as the only line on stdout')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'Remove the user')
            [CompletionResult]::new('--delete', '--delete', [CompletionResultType]::ParameterName, 'Remove the user')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Tell each user and how the password is stored; tab-separated, unless at a terminal')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Tell each user and how the password is stored; tab-separated, unless at a terminal')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell whether a password is the user''s: exit code 0 or 1')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Tell whether a password is the user''s: exit code 0 or 1')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print the line to stdout and leave the file alone')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print the line to stdout and leave the file alone')
            [CompletionResult]::new('-B', '-B ', [CompletionResultType]::ParameterName, 'With bcrypt; the default, read by everybody')
            [CompletionResult]::new('--bcrypt', '--bcrypt', [CompletionResultType]::ParameterName, 'With bcrypt; the default, read by everybody')
            [CompletionResult]::new('-5', '-5', [CompletionResultType]::ParameterName, 'With sha512-crypt, where rules ask for SHA-2; Apache and nginx read it where the system does')
            [CompletionResult]::new('--sha512-crypt', '--sha512-crypt', [CompletionResultType]::ParameterName, 'With sha512-crypt, where rules ask for SHA-2; Apache and nginx read it where the system does')
            [CompletionResult]::new('-2', '-2', [CompletionResultType]::ParameterName, 'With sha256-crypt, likewise')
            [CompletionResult]::new('--sha256-crypt', '--sha256-crypt', [CompletionResultType]::ParameterName, 'With sha256-crypt, likewise')
            [CompletionResult]::new('--argon2', '--argon2', [CompletionResultType]::ParameterName, 'With Argon2, which only `pkgctl serve` reads')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'As an unsalted SHA-1, as `htpasswd -s` does; for readers that know nothing better')
            [CompletionResult]::new('--sha1', '--sha1', [CompletionResultType]::ParameterName, 'As an unsalted SHA-1, as `htpasswd -s` does; for readers that know nothing better')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Accepted from habit: the file is created when it is missing, and never wiped')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Refused: `htpasswd -b` takes the password as an argument')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Refused: stores a password that is easily guessed')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Refused: stores a password that is easily guessed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;configure' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]')
            [CompletionResult]::new('--repository', '--repository', [CompletionResultType]::ParameterName, 'Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]')
            [CompletionResult]::new('--repository-url', '--repository-url', [CompletionResultType]::ParameterName, 'Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User to upload as [env: PKGCTL_USERNAME]')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'User to upload as [env: PKGCTL_USERNAME]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Refused: other users could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: other users could read it')
            [CompletionResult]::new('--pypirc', '--pypirc', [CompletionResultType]::ParameterName, 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]')
            [CompletionResult]::new('--config-file', '--config-file', [CompletionResultType]::ParameterName, 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]')
            [CompletionResult]::new('--pip-conf', '--pip-conf', [CompletionResultType]::ParameterName, 'File with pip''s settings [env: PKGCTL_PIP_CONF] [default: pip''s own of this user]')
            [CompletionResult]::new('--index-url', '--index-url', [CompletionResultType]::ParameterName, 'Make it the only index instead of one more')
            [CompletionResult]::new('--extra-index-url', '--extra-index-url', [CompletionResultType]::ParameterName, 'Make it one more index again, where it was the only one')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]')
            [CompletionResult]::new('--no-password', '--no-password', [CompletionResultType]::ParameterName, 'Store no password, and forget one that is stored')
            [CompletionResult]::new('--keyring', '--keyring', [CompletionResultType]::ParameterName, 'Store the password in the system''s keyring instead of files, through the program `keyring`')
            [CompletionResult]::new('--uv', '--uv', [CompletionResultType]::ParameterName, 'uv: an [[index]] with publish-url in uv.toml; a tool that knows the name already needs no flag')
            [CompletionResult]::new('--poetry', '--poetry', [CompletionResultType]::ParameterName, 'poetry: the repository in config.toml, its login in auth.toml')
            [CompletionResult]::new('--pdm', '--pdm', [CompletionResultType]::ParameterName, 'pdm: the repository and the index in config.toml')
            [CompletionResult]::new('--hatch', '--hatch', [CompletionResultType]::ParameterName, 'hatch: the repository in config.toml')
            [CompletionResult]::new('--netrc', '--netrc', [CompletionResultType]::ParameterName, '~/.netrc: the login for the index''s host, where pip and uv look when reading takes one [env: NETRC names the file]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All of these that are installed or have settings already, and ~/.netrc where there is a password for it')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would change and write nothing')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Take out again what earlier runs wrote, of all tools')
            [CompletionResult]::new('--print-env', '--print-env', [CompletionResultType]::ParameterName, 'Print variables for CI as `export` lines instead of writing files')
            [CompletionResult]::new('--print-password', '--print-password', [CompletionResultType]::ParameterName, 'Print the password itself with --print-env; logs keep it')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Don''t ask the server afterwards [env: PKGCTL_OFFLINE]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;doctor' {
            [CompletionResult]::new('--folder', '--folder', [CompletionResultType]::ParameterName, 'Folder of packages to look at (may be repeated) [default: ~/packages, if it is there]')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Passwords file to look at [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]')
            [CompletionResult]::new('--passwords', '--passwords', [CompletionResultType]::ParameterName, 'Passwords file to look at [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Folder of the server''s catalog [env: PKGCTL_STATE_DIR] [default: .pkgctl in the first folder]')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Only ask whether the server is alive, at URL or where the settings of `serve` have it; says nothing when it is')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Read every package from its first byte to its last, and compare it with the digests that the server recorded')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Ask no server')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the findings as JSON')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;build' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Folder for the artifacts [env: PKGCTL_OUTDIR] [default: dist in SOURCE, or beside the sdist]')
            [CompletionResult]::new('--outdir', '--outdir', [CompletionResultType]::ParameterName, 'Folder for the artifacts [env: PKGCTL_OUTDIR] [default: dist in SOURCE, or beside the sdist]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Tell the build backend a setting; a repeated key makes a list')
            [CompletionResult]::new('--config-setting', '--config-setting', [CompletionResultType]::ParameterName, 'Tell the build backend a setting; a repeated key makes a list')
            [CompletionResult]::new('--python', '--python', [CompletionResultType]::ParameterName, 'Interpreter to build with: a path, a version such as 3.12, or a program''s name [env: PKGCTL_PYTHON] [default: that of the active virtual environment, else python3, else python]')
            [CompletionResult]::new('--installer', '--installer', [CompletionResultType]::ParameterName, 'Program that installs the build requirements; auto is uv when there is one, else pip [env: PKGCTL_INSTALLER]')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Projects to build at a time [env: PKGCTL_BUILD_JOBS] [default: the number of cores]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Projects to build at a time [env: PKGCTL_BUILD_JOBS] [default: the number of cores]')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user''s cache folder]')
            [CompletionResult]::new('--cache-max-gib', '--cache-max-gib', [CompletionResultType]::ParameterName, 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]')
            [CompletionResult]::new('--cache-max-days', '--cache-max-days', [CompletionResultType]::ParameterName, 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]')
            [CompletionResult]::new('--cache-fresh-hours', '--cache-fresh-hours', [CompletionResultType]::ParameterName, 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Build only the sdist; with --wheel, both from the project''s folder')
            [CompletionResult]::new('--sdist', '--sdist', [CompletionResultType]::ParameterName, 'Build only the sdist; with --wheel, both from the project''s folder')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Build only the wheel, from the project''s folder; with --sdist, both')
            [CompletionResult]::new('--wheel', '--wheel', [CompletionResultType]::ParameterName, 'Build only the wheel, from the project''s folder; with --sdist, both')
            [CompletionResult]::new('--clear', '--clear', [CompletionResultType]::ParameterName, 'When all is built, remove this project''s other distributions from that folder [env: PKGCTL_CLEAR]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print a JSON document about the artifacts instead of their paths')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Build in the interpreter''s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]')
            [CompletionResult]::new('--no-isolation', '--no-isolation', [CompletionResultType]::ParameterName, 'Build in the interpreter''s own environment, which must hold the build requirements [env: PKGCTL_NO_ISOLATION]')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]')
            [CompletionResult]::new('--skip-dependency-check', '--skip-dependency-check', [CompletionResultType]::ParameterName, 'With --no-isolation, do not check that the build requirements are met [env: PKGCTL_SKIP_DEPENDENCY_CHECK]')
            [CompletionResult]::new('--reproducible', '--reproducible', [CompletionResultType]::ParameterName, 'Build everything twice and compare byte for byte; what differs is told, and nothing is written then [env: PKGCTL_REPRODUCIBLE]')
            [CompletionResult]::new('--setup-py', '--setup-py', [CompletionResultType]::ParameterName, 'Run `python setup.py sdist bdist_wheel` in the interpreter''s own environment, without a build backend [env: PKGCTL_SETUP_PY]')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Make a new environment, and keep none [env: PKGCTL_NO_CACHE]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the output of the build backend and the installer also when all is well [env: PKGCTL_VERBOSE]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;cache' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'List the kept environments with their sizes and ages, the last used first')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove environments that are too old or too many, and what interrupted builds have left')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pkgctl;cache;info' {
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user''s cache folder]')
            [CompletionResult]::new('--cache-max-gib', '--cache-max-gib', [CompletionResultType]::ParameterName, 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]')
            [CompletionResult]::new('--cache-max-days', '--cache-max-days', [CompletionResultType]::ParameterName, 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]')
            [CompletionResult]::new('--cache-fresh-hours', '--cache-fresh-hours', [CompletionResultType]::ParameterName, 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pkgctl;cache;prune' {
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Folder that build environments are kept in [env: PKGCTL_CACHE_DIR] [default: pkgctl in the user''s cache folder]')
            [CompletionResult]::new('--cache-max-gib', '--cache-max-gib', [CompletionResultType]::ParameterName, 'Keep at most this much; what was used longest ago goes first [env: PKGCTL_CACHE_MAX_GIB]')
            [CompletionResult]::new('--cache-max-days', '--cache-max-days', [CompletionResultType]::ParameterName, 'Remove environments that no build has used for this long [env: PKGCTL_CACHE_MAX_DAYS]')
            [CompletionResult]::new('--cache-fresh-hours', '--cache-fresh-hours', [CompletionResultType]::ParameterName, 'Make an environment anew after this long, unless its requirements name one version each [env: PKGCTL_CACHE_FRESH_HOURS]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Remove all that no build uses now, and build logs and README records with it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pkgctl;cache;help' {
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'List the kept environments with their sizes and ages, the last used first')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove environments that are too old or too many, and what interrupted builds have left')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pkgctl;cache;help;info' {
            break
        }
        'pkgctl;cache;help;prune' {
            break
        }
        'pkgctl;cache;help;help' {
            break
        }
        'pkgctl;check' {
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Count warnings as errors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print what was found as JSON')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;publish' {
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]')
            [CompletionResult]::new('--repository', '--repository', [CompletionResultType]::ParameterName, 'Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]')
            [CompletionResult]::new('--repository-url', '--repository-url', [CompletionResultType]::ParameterName, 'Address to upload to [env: PKGCTL_REPOSITORY_URL]')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User to upload as [env: PKGCTL_USERNAME]')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'User to upload as [env: PKGCTL_USERNAME]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]')
            [CompletionResult]::new('--config-file', '--config-file', [CompletionResultType]::ParameterName, 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]')
            [CompletionResult]::new('--pypirc', '--pypirc', [CompletionResultType]::ParameterName, 'File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]')
            [CompletionResult]::new('--check-url', '--check-url', [CompletionResultType]::ParameterName, 'List of projects to ask, as installers use it, where it is not in a usual place [env: PKGCTL_CHECK_URL]')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Files to send at a time; sdists wait for the wheels of their release [env: PKGCTL_JOBS]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Files to send at a time; sdists wait for the wheels of their release [env: PKGCTL_JOBS]')
            [CompletionResult]::new('--sign-with', '--sign-with', [CompletionResultType]::ParameterName, 'Program that signs, called as gpg is')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Key to sign with, as gpg names it')
            [CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'Key to sign with, as gpg names it')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Remark to send with each file')
            [CompletionResult]::new('--comment', '--comment', [CompletionResultType]::ParameterName, 'Remark to send with each file')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'PEM file with further certificate authorities [env: PKGCTL_CERT]')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with the client''s certificate and key [env: PKGCTL_CLIENT_CERT]')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first repetition of a failed request; doubles each time')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from the first line of stdin [or set PKGCTL_PASSWORD]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Send nothing; show what would be sent, where, as whom, and what the index says to it')
            [CompletionResult]::new('--skip-existing', '--skip-existing', [CompletionResultType]::ParameterName, 'Ask the index first, skip what it has, and believe it when it has a file but shows no digest')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Check afterwards that the index lists every file with its digest, as is done unless --no-verify is given')
            [CompletionResult]::new('--no-verify', '--no-verify', [CompletionResultType]::ParameterName, 'Don''t ask the index afterwards whether it lists the files')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Sign the files that have no signature yet, with gpg')
            [CompletionResult]::new('--sign', '--sign', [CompletionResultType]::ParameterName, 'Sign the files that have no signature yet, with gpg')
            [CompletionResult]::new('--attestations', '--attestations', [CompletionResultType]::ParameterName, 'Send the attestations that lie beside each file as FILE.*.attestation')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write what became of each file to stdout as JSON')
            [CompletionResult]::new('--disable-progress-bar', '--disable-progress-bar', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say where address, user and password come from, and which files with which digests are sent')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say where address, user and password come from, and which files with which digests are sent')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pkgctl;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve folders of wheels and sdists as a Python package index')
            [CompletionResult]::new('adduser', 'adduser', [CompletionResultType]::ParameterValue, 'Add a user to the passwords file, change a password, or see who is in it')
            [CompletionResult]::new('configure', 'configure', [CompletionResultType]::ParameterValue, 'Set up this account''s pip, twine and `pkgctl publish` for a private index')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out what is wrong between you, your tools and the index')
            [CompletionResult]::new('build', 'build', [CompletionResultType]::ParameterValue, 'Build an sdist and a wheel of a Python project')
            [CompletionResult]::new('cache', 'cache', [CompletionResultType]::ParameterValue, 'Show or remove the environments that builds keep')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check distributions before they are published')
            [CompletionResult]::new('publish', 'publish', [CompletionResultType]::ParameterValue, 'Upload distributions to a package index')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the script that completes pkgctl''s commands and options in a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pkgctl;help;serve' {
            break
        }
        'pkgctl;help;adduser' {
            break
        }
        'pkgctl;help;configure' {
            break
        }
        'pkgctl;help;doctor' {
            break
        }
        'pkgctl;help;build' {
            break
        }
        'pkgctl;help;cache' {
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'List the kept environments with their sizes and ages, the last used first')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove environments that are too old or too many, and what interrupted builds have left')
            break
        }
        'pkgctl;help;cache;info' {
            break
        }
        'pkgctl;help;cache;prune' {
            break
        }
        'pkgctl;help;check' {
            break
        }
        'pkgctl;help;publish' {
            break
        }
        'pkgctl;help;completions' {
            break
        }
        'pkgctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
