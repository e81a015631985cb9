//! `GET /packages/`: every file on one page, as pypiserver has it. `pip --find-links` reads it, too.

use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;

use super::error::ApiError;
use super::extract::{Visitor, Wanted};
use super::simple::{self, Sent};
use super::state::State;
use crate::auth::Action;
use crate::index::{self, FileList, Listing};
use crate::packaging::simple::html;

/// What is said of the page.
static SENT: Sent = Sent {
    content_type: &simple::HTML,
    vary: &simple::BY_CODING,
};

/// `GET /packages/`: all files in the order of folder, project and version.
pub(super) async fn all_files(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let gzip = Wanted::html(&headers).gzip;
    Ok(match state.index().file_list(gzip).await? {
        FileList::Whole(page) => simple::send(&page, SENT, &headers),
        FileList::Begun(begin, rest) => {
            let headers = [
                (header::CONTENT_TYPE, SENT.content_type),
                (header::VARY, SENT.vary),
                (header::CACHE_CONTROL, &simple::ASK_AGAIN),
            ];
            (headers, sent_in_pieces(begin, rest)).into_response()
        }
    })
}

/// Adds the next files, or the end of the page; whether there is more to come.
async fn write_piece(listing: &mut Listing, page: &mut String) -> Result<bool, index::Error> {
    let Some(files) = listing.next().await? else {
        page.push_str(html::file_list_tail());
        return Ok(false);
    };
    html::write_file_list(page, &files);
    Ok(true)
}

/// What is there already, then piece by piece as fast as the client takes it. A failure on the way ends the
/// connection: an answer that looks whole must be whole.
fn sent_in_pieces(begin: String, listing: Listing) -> Body {
    let first = (Some(listing), begin);
    Body::from_stream(stream::try_unfold(first, |(listing, ready)| async move {
        if !ready.is_empty() {
            return Ok(Some((Bytes::from(ready), (listing, String::new()))));
        }
        let Some(mut listing) = listing else {
            return Ok(None);
        };
        let mut page = String::new();
        let mut more = true;
        while more && page.is_empty() {
            more = write_piece(&mut listing, &mut page).await?;
        }
        let listing = more.then_some(listing);
        Ok::<_, index::Error>(Some((Bytes::from(page), (listing, String::new()))))
    }))
}
