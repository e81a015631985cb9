//! Many files at once: all paths in the order in which people look for them, and the records of some.

use rusqlite::Connection;

use super::FileRecord;
use super::rows::{FILE_COLUMNS, ServedRoots};
use crate::packaging::DistFilename;
use crate::storage::StoreKey;

/// The present file of each name, the one with the smallest key; names without one are left out.
pub(super) fn files_named(
    connection: &Connection,
    served: &ServedRoots,
    filenames: &[String],
) -> rusqlite::Result<Vec<FileRecord>> {
    let sql = format!(
        "SELECT {FILE_COLUMNS} FROM files WHERE filename = ?1 AND present = 1 AND NOT EXISTS \
         (SELECT 1 FROM projects WHERE projects.id = project_id AND status = 'quarantined')"
    );
    let mut found = Vec::with_capacity(filenames.len());
    for filename in filenames {
        let files = served.files(connection, &sql, [filename])?;
        found.extend(files.into_iter().min_by(|a, b| a.key.cmp(&b.key)));
    }
    Ok(found)
}

/// Paths of all present files but those of quarantined projects, ordered by folder, project, version and file name.
pub(super) fn listed_paths(connection: &Connection, served: &ServedRoots) -> rusqlite::Result<Vec<Box<str>>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT folder, filename, project_id FROM files JOIN projects ON projects.id = project_id \
         WHERE present = 1 AND root_id IN ({}) AND status <> 'quarantined' ORDER BY folder, name, filename",
        served.id_list
    ))?;
    let mut rows = statement.query([])?;
    let mut paths = Vec::new();
    // Files of one project in one folder; what the database can't compare is ordered group by group.
    let mut group: Vec<String> = Vec::new();
    let mut of_group: Option<(String, i64)> = None;
    while let Some(row) = rows.next()? {
        let (folder, project): (String, i64) = (row.get(0)?, row.get(2)?);
        if of_group
            .as_ref()
            .is_none_or(|(in_folder, of_project)| (in_folder, *of_project) != (&folder, project))
        {
            flush(&mut group, of_group.as_ref(), &mut paths);
            of_group = Some((folder, project));
        }
        group.push(row.get(1)?);
    }
    flush(&mut group, of_group.as_ref(), &mut paths);
    Ok(paths)
}

/// Keys of the present files that share their names with another one. The index by name tells which those are.
pub(super) fn twins(connection: &Connection, served: &ServedRoots) -> rusqlite::Result<Vec<StoreKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT root_id, folder, filename FROM files WHERE present = 1 AND filename IN \
         (SELECT filename FROM files GROUP BY filename HAVING count(*) > 1)",
    )?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.extend(served.key(row)?);
    }
    // Some of those names are of files that went.
    keys.sort_by(|a, b| a.filename().cmp(b.filename()));
    let named_alike = keys.chunk_by(|a, b| a.filename() == b.filename());
    Ok(named_alike
        .filter(|keys| keys.len() > 1)
        .flatten()
        .cloned()
        .collect())
}

/// Moves the names of a group to the paths, by version; within one version the order by name remains.
fn flush(group: &mut Vec<String>, of_group: Option<&(String, i64)>, paths: &mut Vec<Box<str>>) {
    let folder = of_group.map_or("", |(folder, _)| folder.as_str());
    group.sort_by_cached_key(|filename| {
        let parsed = DistFilename::parse_listed(filename).ok();
        parsed.map(|filename| filename.version().clone())
    });
    paths.extend(group.drain(..).map(|filename| match folder {
        "" => filename.into_boxed_str(),
        _ => format!("{folder}/{filename}").into(),
    }));
}
