//! `entry_points.txt`: only what installers turn into files is judged, the names of scripts.
//!
//! Standard: the entry points specification, an INI file as Python's `configparser` reads it with `=` alone as
//! delimiter.

use super::error::Rule;

/// The groups whose names become files in the folder of programs.
const SCRIPT_GROUPS: [&str; 2] = ["console_scripts", "gui_scripts"];

/// Refuses names of scripts that are not plain file names: installers have written them wherever they led.
pub(super) fn check(content: &[u8]) -> Result<(), Rule> {
    let text = std::str::from_utf8(content).map_err(|_| Rule::NotText)?;
    if text.contains('\0') {
        return Err(Rule::NotText);
    }
    let mut in_scripts = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(group) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            // Readers differ in whether they trim; both readings count.
            in_scripts = SCRIPT_GROUPS.contains(&group.trim());
        } else if let (true, Some((name, _))) = (in_scripts, line.split_once('=')) {
            check_script(name.trim())?;
        }
    }
    Ok(())
}

fn check_script(name: &str) -> Result<(), Rule> {
    let is_plain = !matches!(name, "" | "." | "..")
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control);
    if is_plain {
        Ok(())
    } else {
        Err(Rule::ScriptName {
            name: name.chars().take(80).flat_map(char::escape_debug).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b17_script_names_are_plain_file_names() {
        let with = |name: &str| check(format!("[console_scripts]\n{name} = a.b:c\n").as_bytes());
        for good in ["run", "my-tool", "f2py3.11", "python -m", "été"] {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        for bad in ["../evil", "/etc/cron.d/x", "a\\b", "..", "C:x", "", "a\u{1}b"] {
            assert!(with(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(check(b"[ gui_scripts ]\n../x=a:b").is_err());
        assert_eq!(check(b"[my.plugins]\n/url/path = a:b\n# ../x = y\n"), Ok(()));
        assert_eq!(check(b"[console_scripts]\n\xff = a:b"), Err(Rule::NotText));
    }
}
