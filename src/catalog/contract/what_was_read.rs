//! What was read from a file holds as long as the file is the one that it was read from.

use super::*;

pub(super) async fn holds_for<C: Catalog>(empty: &impl Fn() -> C) {
    facts_are_kept_while_the_stamp_is(&empty()).await;
    a_rewritten_file_keeps_what_was_said_of_it(&empty()).await;
    a_changed_file_is_known_by_its_former_digest(&empty()).await;
    facts_of_another_state_are_refused(&empty()).await;
    a_replaced_file_has_new_facts(&empty()).await;
    unread_files_come_oldest_first(&empty()).await;
}

async fn facts_are_kept_while_the_stamp_is(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    assert_eq!(
        catalog
            .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
            .await
            .unwrap(),
        []
    );
    let record = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!(
        (record.facts, record.uploader.as_deref()),
        (Some(facts("upload")), Some("alice"))
    );
    for (change, changed) in [
        Stamp {
            size_bytes: 7,
            ..stamp(1)
        },
        Stamp {
            modified_ns: 7,
            ..stamp(1)
        },
        Stamp {
            identity: 7,
            ..stamp(1)
        },
    ]
    .into_iter()
    .enumerate()
    {
        catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
        let affected = catalog
            .observe(vec![seen(0, "a-1.0.tar.gz", changed)])
            .await
            .unwrap();
        assert_eq!(affected, [name("a")], "change {change}");
        let record = the_file(catalog, "a-1.0.tar.gz").await;
        assert_eq!(
            (record.stamp, record.facts, record.uploader),
            (changed, None, None)
        );
        let changed_at = Timestamp::from_nanosecond(changed.modified_ns.into()).unwrap();
        assert_eq!(record.uploaded_at, changed_at);
    }
}

async fn a_rewritten_file_keeps_what_was_said_of_it(catalog: &impl Catalog) {
    let upload = upload("lib-1.0.tar.gz", 1);
    catalog.record_upload(upload.clone()).await.unwrap();
    let again = |rewritten| Observation::Seen {
        key: upload.key.clone(),
        filename: upload.filename.clone(),
        stamp: upload.stamp,
        rewritten,
    };
    assert_eq!(catalog.observe(vec![again(false)]).await.unwrap(), []);
    assert!(the_file(catalog, "lib-1.0.tar.gz").await.facts.is_some());
    assert_eq!(catalog.observe(vec![again(true)]).await.unwrap(), [name("lib")]);
    let record = the_file(catalog, "lib-1.0.tar.gz").await;
    assert_eq!(record.facts, None);
    assert_eq!(
        (record.uploader, record.uploaded_at),
        (upload.uploader, upload.at)
    );
}

async fn a_changed_file_is_known_by_its_former_digest(catalog: &impl Catalog) {
    let upload = upload("lib-1.0.tar.gz", 1);
    catalog.record_upload(upload.clone()).await.unwrap();
    let former = Some(upload.facts.sha256);
    // Changed twice before anybody has read it.
    for changed in [2, 3] {
        let seen = seen(0, "lib-1.0.tar.gz", stamp(changed));
        catalog.observe(vec![seen]).await.unwrap();
        let record = the_file(catalog, "lib-1.0.tar.gz").await;
        assert_eq!((record.facts, record.former_sha256), (None, former));
    }
    let rewritten = Observation::Seen {
        key: upload.key.clone(),
        filename: upload.filename,
        stamp: stamp(3),
        rewritten: true,
    };
    catalog.observe(vec![rewritten]).await.unwrap();
    let record = the_file(catalog, "lib-1.0.tar.gz").await;
    assert_eq!((record.facts, record.former_sha256), (None, former));
    let read = catalog.record_facts(&upload.key, stamp(3), facts("read again"));
    assert!(read.await.unwrap());
    let record = the_file(catalog, "lib-1.0.tar.gz").await;
    assert_eq!(
        (record.facts, record.former_sha256),
        (Some(facts("read again")), None)
    );
}

async fn facts_of_another_state_are_refused(catalog: &impl Catalog) {
    let at = key(0, "a-1.0.tar.gz");
    assert!(!catalog.record_facts(&at, stamp(1), facts("early")).await.unwrap());
    catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    assert!(!catalog.record_facts(&at, stamp(2), facts("late")).await.unwrap());
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.facts, None);
    assert!(catalog.record_facts(&at, stamp(1), facts("now")).await.unwrap());
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.facts, Some(facts("now")));
}

async fn a_replaced_file_has_new_facts(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    let mut second = upload("a-1.0.tar.gz", 2);
    second.replaced = true;
    second.facts = facts("second");
    second.uploader = Some("bob".to_owned());
    second.at = "2026-03-04T05:06:07Z".parse().unwrap();
    catalog.record_upload(second.clone()).await.unwrap();
    let record = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!((record.stamp, record.facts), (second.stamp, Some(second.facts)));
    assert_eq!(
        (record.uploader, record.uploaded_at),
        (second.uploader, second.at)
    );
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 1,
            files: 1
        }
    );
}

async fn unread_files_come_oldest_first(catalog: &impl Catalog) {
    for path in ["c-1.0.tar.gz", "a-1.0.tar.gz", "b-1.0.tar.gz"] {
        catalog.observe(vec![seen(0, path, stamp(1))]).await.unwrap();
    }
    let paths = async |limit| {
        let unread = catalog.unread(limit).await.unwrap();
        unread
            .iter()
            .map(|file| file.key.path().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(2).await, ["c-1.0.tar.gz", "a-1.0.tar.gz"]);
    catalog
        .record_facts(&key(0, "c-1.0.tar.gz"), stamp(1), facts("c"))
        .await
        .unwrap();
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    assert_eq!(paths(10).await, ["b-1.0.tar.gz"]);
    assert_eq!(paths(0).await, [""; 0]);
}
