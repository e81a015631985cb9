//! What must hold of forms, for any bytes.

use super::*;

type Part = (String, Option<String>, Vec<u8>);

/// A form with the boundary `XX`; the first byte says into which pieces it comes. The pieces don't matter, and who
/// reads the whole form at once sees the same contents.
///
/// # Panics
/// When it does not hold.
pub fn multipart(bytes: &[u8]) {
    let Some((&piece, form)) = bytes.split_first() else {
        return;
    };
    let whole = read(form, form.len().max(1));
    let in_pieces = read(form, usize::from(piece).max(1));
    match (&whole, &in_pieces) {
        (Ok(one), Ok(other)) => assert_eq!(one, other, "pieces of {piece}"),
        (Err(_), Err(_)) => {}
        _ => panic!("pieces of {piece}: {whole:?} and {in_pieces:?}"),
    }
    match whole {
        Ok(parts) => {
            let read_bytes: usize = parts.iter().map(|part| part.2.len()).sum();
            assert!(read_bytes <= form.len());
            assert_eq!(
                contents(form),
                parts.into_iter().map(|part| part.2).collect::<Vec<_>>()
            );
        }
        Err(error) => {
            let message = error.to_string();
            assert!(
                message.len() < 500 && !message.chars().any(char::is_control),
                "{message:?}"
            );
        }
    }
}

fn read(form: &[u8], piece: usize) -> Result<Vec<Part>, MultipartError> {
    let pieces: Vec<Result<Bytes, std::io::Error>> = form
        .chunks(piece)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    else {
        panic!("no runtime");
    };
    runtime.block_on(async {
        let mut form = Multipart::new(body, "XX", 1 << 20, Duration::from_secs(60));
        let mut parts = Vec::new();
        while let Some(head) = form.next_part().await? {
            parts.push((head.name, head.filename, form.whole(1 << 20).await?));
        }
        Ok(parts)
    })
}

/// The contents of a good form, by cutting it at its boundaries.
fn contents(form: &[u8]) -> Vec<Vec<u8>> {
    let form = form
        .strip_prefix(b"\r\n")
        .or_else(|| form.strip_prefix(b"\n"))
        .unwrap_or(form);
    let line_end: &[u8] = if form.starts_with(b"--XX\n") {
        b"\n"
    } else {
        b"\r\n"
    };
    let delimiter = [line_end, b"--XX"].concat();
    // With a line end in front, the first boundary is as the others.
    let form = [line_end, form].concat();
    let mut rest = &form[delimiter.len()..];
    let mut contents = Vec::new();
    while !rest.starts_with(b"--") {
        let head = memmem::find(rest, &line_end.repeat(2)).map_or(rest.len(), |at| at + 2 * line_end.len());
        let end = head + memmem::find(&rest[head..], &delimiter).unwrap_or(rest.len() - head);
        contents.push(rest[head..end].to_vec());
        rest = rest.get(end + delimiter.len()..).unwrap_or(b"--");
    }
    contents
}
