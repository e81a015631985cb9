//! Silence, slowness and stuck clients, on a clock that is turned by hand.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::*;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const PATIENCE: Patience = Patience {
    silence: Duration::from_secs(75),
    head: HEAD_TIMEOUT,
    write: Duration::from_secs(60),
};

#[tokio::test(start_paused = true)]
async fn silence_is_borne_and_a_slow_head_is_not() {
    let (mut client, server) = tokio::io::duplex(64);
    let mut patient = Patient::new(server, Answering::default(), Heads::Http1, PATIENCE);
    let mut byte = [0; 1];
    // Nothing at all for a long time.
    assert!(
        tokio::time::timeout(HEAD_TIMEOUT * 5, patient.read(&mut byte))
            .await
            .is_err()
    );
    let began = Instant::now();
    client.write_all(b"G").await.unwrap();
    patient.read_exact(&mut byte).await.unwrap();
    // A byte now and then does not help.
    for _ in 0..4 {
        tokio::time::sleep(HEAD_TIMEOUT / 5).await;
        client.write_all(b"E").await.unwrap();
        patient.read_exact(&mut byte).await.unwrap();
    }
    let error = patient.read(&mut byte).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
}

// A8
#[tokio::test(start_paused = true)]
async fn silence_ends_too_before_the_first_request_and_between_two() {
    let (mut client, server) = tokio::io::duplex(64);
    let answering = Answering::default();
    let mut patient = Patient::new(server, answering.clone(), Heads::Http1, PATIENCE);
    let mut byte = [0; 1];
    // Requests whose answers are made at once, each shortly before the connection would have been silent for too long.
    for _ in 0..4 {
        let pause = tokio::time::timeout(PATIENCE.silence - Duration::from_secs(1), patient.read(&mut byte));
        assert!(pause.await.is_err());
        client.write_all(b"G").await.unwrap();
        patient.read_exact(&mut byte).await.unwrap();
        drop(answering.begin());
    }
    let began = Instant::now();
    let error = patient.read(&mut byte).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), PATIENCE.silence.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_head_after_an_answer_has_its_own_time() {
    let (mut client, server) = tokio::io::duplex(64);
    let answering = Answering::default();
    let mut patient = Patient::new(server, answering.clone(), Heads::Http1, PATIENCE);
    let mut byte = [0; 1];
    for _ in 0..2 {
        client.write_all(b"G").await.unwrap();
        patient.read_exact(&mut byte).await.unwrap();
        drop(answering.begin());
        let pause = tokio::time::timeout(HEAD_TIMEOUT * 2, patient.read(&mut byte));
        assert!(
            pause.await.is_err(),
            "the answered request's head is awaited still"
        );
    }
    client.write_all(b"G").await.unwrap();
    patient.read_exact(&mut byte).await.unwrap();
    let began = Instant::now();
    assert!(patient.read(&mut byte).await.is_err());
    assert_eq!(began.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_its_time() {
    let (mut client, server) = tokio::io::duplex(64);
    let answering = Answering::default();
    let mut patient = Patient::new(server, answering.clone(), Heads::Http1, PATIENCE);
    let mut byte = [0; 1];
    client.write_all(b"G").await.unwrap();
    patient.read_exact(&mut byte).await.unwrap();
    let now = answering.begin();
    assert!(
        tokio::time::timeout(HEAD_TIMEOUT * 5, patient.read(&mut byte))
            .await
            .is_err()
    );
    drop(now);
    // The next head has its own time.
    client.write_all(b"G").await.unwrap();
    patient.read_exact(&mut byte).await.unwrap();
    assert!(patient.read(&mut byte).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_let_go() {
    let (mut client, server) = tokio::io::duplex(64);
    let answering = Answering::default();
    let mut patient = Patient::new(server, answering.clone(), Heads::Http1, PATIENCE);
    patient.write_all(&[0; 64]).await.unwrap();
    assert!(answering.is_quiet());
    // It takes a byte now and then: that is slow, not stuck.
    for _ in 0..5 {
        let mut write = tokio::spawn(async move {
            patient.write_all(&[0; 1]).await.unwrap();
            patient
        });
        assert!(
            tokio::time::timeout(PATIENCE.write / 2, &mut write)
                .await
                .is_err()
        );
        assert!(!answering.is_quiet());
        client.read_exact(&mut [0; 1]).await.unwrap();
        patient = write.await.unwrap();
        assert!(answering.is_quiet());
    }
    let began = Instant::now();
    let error = patient.write_all(&[0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), PATIENCE.write.as_secs());
}

/// A frame of HTTP/2 (RFC 9113, section 4.1) on stream 1.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

#[tokio::test(start_paused = true)]
async fn a_head_in_frames_has_its_time_too() {
    let (mut client, server) = tokio::io::duplex(4096);
    let heads = Heads::Http2(Http2Heads::default());
    let mut patient = Patient::new(server, Answering::default(), heads, PATIENCE);
    let mut buffer = vec![0; 4096];
    client
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    client.write_all(&frame(4, 0, &[])).await.unwrap();
    assert!(patient.read(&mut buffer).await.unwrap() > 0);
    // Settings are no head; they may be followed by silence.
    assert!(
        tokio::time::timeout(HEAD_TIMEOUT * 5, patient.read(&mut buffer))
            .await
            .is_err()
    );
    // A head that goes on in another frame, which does not come.
    client.write_all(&frame(1, 0, b"abc")).await.unwrap();
    assert!(patient.read(&mut buffer).await.unwrap() > 0);
    let began = Instant::now();
    let error = patient.read(&mut buffer).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
}
