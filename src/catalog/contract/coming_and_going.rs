//! What comes is there, what goes is remembered.

use super::*;

pub(super) async fn holds_for<C: Catalog>(empty: &impl Fn() -> C) {
    an_upload_round_trips(&empty()).await;
    a_copied_file_is_dated_by_its_change(&empty()).await;
    what_is_gone_is_remembered_and_may_come_back(&empty()).await;
    a_removal_takes_the_file_away(&empty()).await;
    a_removal_that_could_not_be_done_is_taken_back(&empty()).await;
    an_upload_that_could_not_be_kept_is_forgotten(&empty()).await;
    old_names_are_kept(&empty()).await;
    roots_that_are_not_served_do_no_harm(&empty()).await;
}

async fn an_upload_round_trips(catalog: &impl Catalog) {
    let upload = upload("my_lib-1.0-py3-none-any.whl", 1);
    catalog.record_upload(upload.clone()).await.unwrap();
    let record = the_file(catalog, "my_lib-1.0-py3-none-any.whl").await;
    let expected = FileRecord {
        key: upload.key,
        filename: upload.filename,
        stamp: upload.stamp,
        present: true,
        uploaded_at: upload.at,
        uploader: upload.uploader,
        yanked: None,
        facts: Some(upload.facts),
        former_sha256: None,
    };
    assert_eq!(record, expected);
    let project = catalog.project(&name("My.Lib")).await.unwrap().unwrap();
    assert_eq!(project.files, std::slice::from_ref(&record));
    assert_eq!(
        (project.status, project.status_reason),
        (ProjectStatus::Active, None)
    );
    let alike = "My.Lib-1-py3-none-any.whl".parse::<DistFilename>().unwrap();
    assert_eq!(catalog.files_like(&alike.identity()).await.unwrap(), [record]);
    let mut bare = self::upload("bare-1.0.tar.gz", 2);
    bare.uploader = None;
    bare.facts = FileFacts {
        digests: Vec::new(),
        requires_python: None,
        metadata_sha256: None,
        defect: None,
        ..facts("bare")
    };
    catalog.record_upload(bare.clone()).await.unwrap();
    let record = the_file(catalog, "bare-1.0.tar.gz").await;
    assert_eq!((record.facts, record.uploader), (Some(bare.facts), None));
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 2,
            files: 2
        }
    );
}

async fn a_copied_file_is_dated_by_its_change(catalog: &impl Catalog) {
    catalog
        .observe(vec![seen(1, "deep/er/a-1.0.tar.gz", stamp(5))])
        .await
        .unwrap();
    let record = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!(record.key, key(1, "deep/er/a-1.0.tar.gz"));
    assert_eq!(
        record.uploaded_at,
        Timestamp::from_nanosecond(1_700_000_000_123_456_794).unwrap()
    );
    assert_eq!((record.stamp, record.present), (stamp(5), true));
    assert_eq!((record.uploader, record.yanked, record.facts), (None, None, None));
    assert_eq!(catalog.file("deep/er/a-1.0.tar.gz").await.unwrap(), None);
    assert_eq!(catalog.present().await.unwrap(), [(record.key, stamp(5))]);
}

async fn what_is_gone_is_remembered_and_may_come_back(catalog: &impl Catalog) {
    assert_eq!(catalog.project(&name("a")).await.unwrap(), None);
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    assert_eq!(
        catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap(),
        [name("a")]
    );
    assert_eq!(catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap(), []);
    assert_eq!(catalog.project(&name("a")).await.unwrap().unwrap().files, []);
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
    assert_eq!(catalog.projects().await.unwrap(), []);
    assert_eq!(catalog.present().await.unwrap(), []);
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 0,
            files: 0
        }
    );
    let identity = "a-1.0.tar.gz".parse::<DistFilename>().unwrap().identity();
    let history = catalog.files_like(&identity).await.unwrap();
    assert_eq!((history.len(), history[0].present), (1, false));
    assert_eq!(history[0].facts, Some(facts("upload")));
    let affected = catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    assert_eq!(affected, [name("a")]);
    let back = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!(
        (back.facts, back.uploader.as_deref()),
        (Some(facts("upload")), Some("alice"))
    );
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(2))])
        .await
        .unwrap();
    assert_eq!(
        the_file(catalog, "a-1.0.tar.gz").await.facts,
        None,
        "it came back as another file"
    );
}

async fn a_removal_takes_the_file_away(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    let at = key(0, "a-1.0.tar.gz");
    catalog
        .record_removal(&at, Some("bob"), Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
    assert!(catalog.project(&name("a")).await.unwrap().is_some());
    // Whatever was never seen can be removed as well: the file was there, and now it isn't.
    catalog
        .record_removal(&key(0, "b-1.0.tar.gz"), None, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(catalog.project(&name("b")).await.unwrap(), None);
}

async fn a_removal_that_could_not_be_done_is_taken_back(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    let before = the_file(catalog, "a-1.0.tar.gz").await;
    let at = key(0, "a-1.0.tar.gz");
    let bob = Some("bob");
    catalog
        .record_removal(&at, bob, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    catalog
        .record_kept(&at, bob, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await, before);
}

async fn an_upload_that_could_not_be_kept_is_forgotten(catalog: &impl Catalog) {
    let refused = upload("a-1.0.tar.gz", 1);
    catalog.record_upload(refused.clone()).await.unwrap();
    catalog.record_refusal(refused.clone(), false).await.unwrap();
    let known = catalog.known(&refused.filename).await.unwrap();
    assert_eq!(known.files, [], "its name is nobody's");
    // One that was here and went is remembered as it was.
    catalog.record_upload(refused.clone()).await.unwrap();
    catalog
        .record_removal(&refused.key, Some("bob"), Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let before = catalog.known(&refused.filename).await.unwrap();
    catalog.record_upload(refused.clone()).await.unwrap();
    catalog.record_refusal(refused.clone(), true).await.unwrap();
    assert_eq!(catalog.known(&refused.filename).await.unwrap(), before);
}

async fn old_names_are_kept(catalog: &impl Catalog) {
    let old = ["Foo-1.0-py2.7.egg", "foo-2004d.tar.gz", "foo-1.0.win32-py2.7.exe"];
    let observations = (0..)
        .zip(old)
        .map(|(seed, path)| seen(0, path, stamp(seed)))
        .collect();
    catalog.observe(observations).await.unwrap();
    assert_eq!(paths_of(catalog, "foo").await, [old[1], old[0], old[2]]);
    assert_eq!(the_file(catalog, old[0]).await.filename.as_str(), old[0]);
}

async fn roots_that_are_not_served_do_no_harm(catalog: &impl Catalog) {
    assert_eq!(
        catalog
            .observe(vec![seen(9, "a-1.0.tar.gz", stamp(1))])
            .await
            .unwrap(),
        []
    );
    assert!(
        !catalog
            .record_facts(&key(9, "a-1.0.tar.gz"), stamp(1), facts("x"))
            .await
            .unwrap()
    );
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
}
