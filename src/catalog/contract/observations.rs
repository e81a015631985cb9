//! What an observation changes, and who is told.

use super::*;

pub(super) async fn holds_for<C: Catalog>(empty: &impl Fn() -> C) {
    only_affected_projects_are_told(&empty()).await;
    a_bookmark_holds_until_something_changes(&empty()).await;
    what_comes_in_pieces_is_as_if_it_came_at_once(&empty()).await;
}

async fn only_affected_projects_are_told(catalog: &impl Catalog) {
    let first = vec![
        seen(0, "b-1.0.tar.gz", stamp(1)),
        seen(0, "B-2.0.tar.gz", stamp(2)),
        seen(0, "a-1.0.tar.gz", stamp(3)),
    ];
    let mut affected = catalog.observe(first.clone()).await.unwrap();
    affected.sort();
    assert_eq!(affected, [name("a"), name("b")]);
    assert_eq!(catalog.observe(first).await.unwrap(), []);
    assert_eq!(catalog.observe(Vec::new()).await.unwrap(), []);
    assert_eq!(
        catalog
            .observe(vec![gone(0, "unknown-1.0.tar.gz")])
            .await
            .unwrap(),
        []
    );
    let second = vec![seen(0, "b-1.0.tar.gz", stamp(1)), gone(0, "a-1.0.tar.gz")];
    assert_eq!(catalog.observe(second).await.unwrap(), [name("a")]);
}

async fn a_bookmark_holds_until_something_changes(catalog: &impl Catalog) {
    let put = || async {
        catalog.set_bookmark("here".to_owned()).await.unwrap();
        assert_eq!(catalog.bookmark().await.unwrap().as_deref(), Some("here"));
    };
    let is_gone = || async { catalog.bookmark().await.unwrap().is_none() };
    assert!(is_gone().await);
    put().await;
    put().await;
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    assert!(is_gone().await, "an upload moves on");
    put().await;
    let at = key(0, "a-1.0.tar.gz");
    catalog.record_facts(&at, stamp(1), facts("a")).await.unwrap();
    catalog.observe(Vec::new()).await.unwrap();
    assert!(
        !is_gone().await,
        "what a file says of itself is no change of the folder"
    );
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    assert!(is_gone().await, "an observation moves on");
    put().await;
    catalog
        .record_removal(&at, None, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(is_gone().await, "a removal moves on");
}

/// Has the catalog take in pieces of observations.
async fn observe_pieces(catalog: &impl Catalog, pieces: &[Vec<Observation>]) {
    let begin = || {
        let (sender, receiver) = mpsc::channel(1);
        let pieces = pieces.to_vec();
        tokio::spawn(async move {
            for piece in pieces {
                let _ = sender.send(piece).await;
            }
        });
        receiver
    };
    catalog.observe_pieces(&begin).await.unwrap();
}

async fn what_comes_in_pieces_is_as_if_it_came_at_once(catalog: &impl Catalog) {
    let path = |number: u64| format!("p{}-{number}.tar.gz", number % 700);
    let piece = |numbers: std::ops::Range<u64>| -> Vec<Observation> {
        numbers
            .map(|number| seen(0, &path(number), stamp(number)))
            .collect()
    };
    // Into an empty catalog, which is a way of its own. A file that was met twice is as it was met last.
    let again = vec![seen(0, &path(5), stamp(9999))];
    observe_pieces(catalog, &[piece(0..1500), piece(1500..2000), again]).await;
    let counts = |projects, files| Counts { projects, files };
    assert_eq!(catalog.counts().await.unwrap(), counts(700, 2000));
    assert_eq!(the_file(catalog, &path(5)).await.stamp, stamp(9999));
    assert_eq!(
        paths_of(catalog, "p5").await,
        ["p5-5.tar.gz", "p5-705.tar.gz", "p5-1405.tar.gz"]
    );
    catalog.set_bookmark("here".to_owned()).await.unwrap();
    observe_pieces(catalog, &[]).await;
    assert!(catalog.bookmark().await.unwrap().is_some(), "no news");
    // Into one that holds files.
    observe_pieces(
        catalog,
        &[piece(1999..2100), vec![gone(0, &path(0)), gone(0, &path(700))]],
    )
    .await;
    assert_eq!(catalog.bookmark().await.unwrap(), None);
    assert_eq!(catalog.counts().await.unwrap(), counts(700, 2098));
    assert_eq!(paths_of(catalog, "p0").await, ["p0-1400.tar.gz"]);
}
