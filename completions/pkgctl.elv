
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
            cand completions 'Print the script that completes pkgctl''s commands and options in a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pkgctl;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pkgctl;help'= {
            cand completions 'Print the script that completes pkgctl''s commands and options in a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pkgctl;help;completions'= {
        }
        &'pkgctl;help;help'= {
        }
    ]
    $completions[$command]
}
