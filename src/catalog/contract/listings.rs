//! Which files are given for a name, a project and the whole folder, and in which order.

use super::*;

pub(super) async fn holds_for<C: Catalog>(empty: &impl Fn() -> C) {
    the_smallest_key_of_a_name_is_served(&empty()).await;
    files_are_ordered_by_version_then_name(&empty()).await;
    all_paths_are_ordered_by_folder_project_and_version(&empty()).await;
    several_files_are_found_at_once(&empty()).await;
    files_of_one_name_are_known(&empty()).await;
}

async fn the_smallest_key_of_a_name_is_served(catalog: &impl Catalog) {
    let (first, second) = ("b/a-1.0.tar.gz", "a/a-1.0.tar.gz");
    catalog
        .observe(vec![
            seen(1, second, stamp(1)),
            seen(0, first, stamp(2)),
            seen(1, "a-2.0.tar.gz", stamp(3)),
        ])
        .await
        .unwrap();
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.key, key(0, first));
    assert_eq!(paths_of(catalog, "a").await, [first, "a-2.0.tar.gz"]);
    assert_eq!(catalog.present().await.unwrap().len(), 3);
    catalog.observe(vec![gone(0, first)]).await.unwrap();
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.key, key(1, second));
    assert_eq!(paths_of(catalog, "a").await, [second, "a-2.0.tar.gz"]);
}

async fn files_are_ordered_by_version_then_name(catalog: &impl Catalog) {
    // The order is that of the version specifiers standard; what is no version comes first.
    let ordered = [
        "a-notaversion.zip",
        "a-1.0.dev1.tar.gz",
        "a-1.0rc1.tar.gz",
        "a-1.0-py2-none-any.whl",
        "a-1.0-py3-none-any.whl",
        "a-1.0.tar.gz",
        "a-1.0.post1.tar.gz",
        "a-1.9.tar.gz",
        "a-1.10.tar.gz",
        "a-1!0.1.tar.gz",
    ];
    let mut observations: Vec<_> = (0..)
        .zip(ordered)
        .map(|(seed, path)| seen(0, path, stamp(seed)))
        .collect();
    observations.reverse();
    observations.swap(1, 5);
    let affected = catalog.observe(observations).await.unwrap();
    assert_eq!(affected, [name("a")]);
    assert_eq!(paths_of(catalog, "a").await, ordered);
    assert_eq!(catalog.projects().await.unwrap(), [name("a")]);
}

async fn all_paths_are_ordered_by_folder_project_and_version(catalog: &impl Catalog) {
    let expected = [
        "a-1.0.tar.gz",
        "My_Lib-1.9-py3-none-any.whl",
        "my_lib-1.9.tar.gz",
        "my-lib-1.10.tar.gz",
        // A folder is a folder, not a piece of a name.
        "a/zlib-1.0.tar.gz",
        "a.b/alib-1.0.tar.gz",
        "a.b/c/alib-1.0.tar.gz",
    ];
    let mut observations: Vec<_> = expected
        .iter()
        .zip(0..)
        .map(|(path, number)| seen(0, path, stamp(number)))
        .collect();
    observations.reverse();
    observations.push(seen(1, "a/zlib-1.0.tar.gz", stamp(20)));
    observations.push(seen(0, "gone-1.0.tar.gz", stamp(21)));
    catalog.observe(observations).await.unwrap();
    catalog.observe(vec![gone(0, "gone-1.0.tar.gz")]).await.unwrap();
    let mut paths = catalog.listed_paths().await.unwrap();
    // Of twins each one is there.
    assert_eq!(
        paths
            .iter()
            .filter(|path| &***path == "a/zlib-1.0.tar.gz")
            .count(),
        2
    );
    paths.dedup();
    assert_eq!(paths.iter().map(|path| &**path).collect::<Vec<_>>(), expected);
}

async fn several_files_are_found_at_once(catalog: &impl Catalog) {
    let observations = vec![
        seen(1, "a-1.0.tar.gz", stamp(1)),
        seen(0, "z/a-1.0.tar.gz", stamp(2)),
        seen(0, "b-1.0.tar.gz", stamp(3)),
        seen(0, "gone-1.0.tar.gz", stamp(4)),
    ];
    catalog.observe(observations).await.unwrap();
    catalog.observe(vec![gone(0, "gone-1.0.tar.gz")]).await.unwrap();
    let asked = [
        "b-1.0.tar.gz",
        "gone-1.0.tar.gz",
        "a-1.0.tar.gz",
        "never-1.0.tar.gz",
    ];
    let found = catalog
        .files_named(asked.map(str::to_owned).to_vec())
        .await
        .unwrap();
    let keys: Vec<StoreKey> = found.into_iter().map(|file| file.key).collect();
    assert_eq!(keys, [key(0, "b-1.0.tar.gz"), key(0, "z/a-1.0.tar.gz")]);
}

async fn files_of_one_name_are_known(catalog: &impl Catalog) {
    let observations = [
        "one/a-1.0.tar.gz",
        "a-1.0.tar.gz",
        "b-1.0.tar.gz",
        "two/a-1.0.tar.gz",
    ]
    .map(|path| seen(0, path, stamp(1)));
    catalog.observe(observations.to_vec()).await.unwrap();
    catalog
        .observe(vec![seen(1, "b-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    catalog.observe(vec![gone(0, "two/a-1.0.tar.gz")]).await.unwrap();
    let mut twins = catalog.twins().await.unwrap();
    twins.sort();
    let expected = [
        key(0, "a-1.0.tar.gz"),
        key(0, "b-1.0.tar.gz"),
        key(0, "one/a-1.0.tar.gz"),
        key(1, "b-1.0.tar.gz"),
    ];
    assert_eq!(twins, expected);
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    catalog.observe(vec![gone(1, "b-1.0.tar.gz")]).await.unwrap();
    let twins = catalog.twins().await.unwrap();
    assert_eq!(twins, [], "those that went are nobody's twins");
}
