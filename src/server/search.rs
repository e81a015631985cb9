//! `POST /RPC2`: `pip search`, the one thing that clients still ask by XML-RPC.

use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::error::ApiError;
use super::extract::Visitor;
use super::state::State;
use super::xml_rpc::{self, Call, Value};
use crate::auth::Action;
use crate::index::{Found, Query};

/// Longest call that is read, in bytes.
const MAX_CALL_BYTES: usize = 64 * 1024;

/// What servers of XML-RPC agree to say of a method that they don't have.
const NO_SUCH_METHOD: i32 = -32601;
/// And of parameters that a method doesn't take.
const BAD_PARAMETERS: i32 = -32602;

/// `POST /RPC2`: `search(fields, "or")` answers with name, version and summary of each project; other methods are
/// answered by a fault.
pub(super) async fn call(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    body: Body,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let call = read(&state, body).await?;
    let document = match (call.method.as_str(), query_of(&call)) {
        ("search", Some(query)) => {
            let found = state.index().search(&query).await?;
            xml_rpc::answer(&Value::Array(found.into_iter().map(row).collect()))
        }
        ("search", None) => xml_rpc::fault(
            BAD_PARAMETERS,
            "search takes the fields to look in with what to look for, and the word `or` or `and`",
        ),
        _ => xml_rpc::fault(
            NO_SUCH_METHOD,
            "this index has no such method; it has search alone, the rest is read at /simple/",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/xml; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, document).into_response())
}

async fn read(state: &State, body: Body) -> Result<Call, ApiError> {
    let pause = state.settings().limits.body_pause;
    let whole = Limited::new(body, MAX_CALL_BYTES).collect();
    // So short a body comes in one piece, or not at all.
    let whole = tokio::time::timeout(pause, whole)
        .await
        .map_err(|_| ApiError::new(StatusCode::REQUEST_TIMEOUT, "the call did not arrive in time"))?;
    let whole = whole.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let message = format!("the call is longer than {MAX_CALL_BYTES} bytes");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        } else {
            ApiError::bad_request("the call did not arrive whole")
        }
    })?;
    let bytes = whole.to_bytes();
    let text = std::str::from_utf8(&bytes).map_err(|_| ApiError::bad_request("the call is not UTF-8"))?;
    xml_rpc::read_call(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// What is looked for: the `name` field, or a text alone. Whatever else pip names, such as the summary, says nothing
/// of the name; `None` when the parameters are none of a search.
fn query_of(call: &Call) -> Option<Query> {
    let mut parameters = call.parameters.iter();
    let fields = parameters.next()?;
    let all = match parameters.next() {
        None => false,
        Some(Value::Text(operator)) => match operator.as_str() {
            "or" => false,
            "and" => true,
            _ => return None,
        },
        Some(_) => return None,
    };
    let names = match fields {
        Value::Struct(fields) => fields
            .iter()
            .find(|(field, _)| field == "name")
            .map(|(_, value)| value),
        text_or_array => Some(text_or_array),
    };
    match names {
        None => Some(Query::default()),
        Some(Value::Text(name)) => Some(Query::new([name.as_str()], all)),
        Some(Value::Array(names)) => {
            let names: Option<Vec<&str>> = names
                .iter()
                .map(|name| match name {
                    Value::Text(name) => Some(name.as_str()),
                    Value::Array(_) | Value::Struct(_) => None,
                })
                .collect();
            Some(Query::new(names?, all))
        }
        Some(Value::Struct(_)) => None,
    }
}

/// A project as a row of the answer.
fn row(found: Found) -> Value {
    let members = [
        ("name", found.name.to_string()),
        ("version", found.version.to_string()),
        ("summary", found.summary),
    ];
    Value::Struct(
        members
            .into_iter()
            .map(|(name, text)| (name.to_owned(), Value::Text(text)))
            .collect(),
    )
}
