//! XML-RPC, as far as `pip search` speaks it: calls are read under limits, answers and faults are written.
//!
//! Only what the protocol has is read. Document types, entities of one's own and processing instructions have no place
//! in a call, and every known way to make a small document large needs one of them.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use thiserror::Error;

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 16;

/// A call: a method and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) parameters: Vec<Value>,
}

/// A value. Numbers, dates and the like are kept as the text they came in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Anything that is one text.
    Text(String),
    /// `<array>`.
    Array(Vec<Self>),
    /// `<struct>`, in the order of its members.
    Struct(Vec<(String, Self)>),
}

/// Why a document is not a call.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum CallError {
    /// Not XML, or not ended.
    #[error("the call is not well-formed XML")]
    Malformed,
    /// A document type, an entity or a processing instruction.
    #[error("the call has a document type, an entity or an instruction in it, which none needs")]
    Forbidden,
    /// XML, but another document.
    #[error("the call has `{found}` where XML-RPC has {expected}")]
    Unexpected {
        /// What is there: an element, or `text`.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// Values in values in values.
    #[error("the values of the call lie too deep in each other")]
    TooDeep,
}

/// Reads a call.
pub(super) fn read_call(document: &str) -> Result<Call, CallError> {
    if !document.chars().all(is_allowed) {
        return Err(CallError::Malformed);
    }
    let mut tokens = Tokens::of(document);
    tokens.expect_open("methodCall")?;
    tokens.expect_open("methodName")?;
    let method = tokens.text_until("methodName")?;
    let mut parameters = Vec::new();
    match tokens.next()? {
        Token::Close(name) if name == "methodCall" => {}
        Token::Open(name) if name == "params" => {
            while tokens.opens_or_closes("param", "params")? {
                tokens.expect_open("value")?;
                parameters.push(tokens.value(0)?);
                tokens.expect_close("param")?;
            }
            tokens.expect_close("methodCall")?;
        }
        other => return Err(other.instead_of("<params>")),
    }
    match tokens.next()? {
        Token::End => Ok(Call {
            method: method.trim().to_owned(),
            parameters,
        }),
        other => Err(other.instead_of("its end")),
    }
}

/// A piece of the document that means something.
#[derive(Debug, PartialEq)]
enum Token {
    Open(String),
    Close(String),
    Text(String),
    End,
}

impl Token {
    fn instead_of(self, expected: &'static str) -> CallError {
        let found = match self {
            Self::Open(name) => format!("<{}>", short(&name)),
            Self::Close(name) => format!("</{}>", short(&name)),
            Self::Text(_) => "text".to_owned(),
            Self::End => return CallError::Malformed,
        };
        CallError::Unexpected { found, expected }
    }
}

fn short(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(40).collect()
}

/// The document piece by piece. White space between elements is passed over.
struct Tokens<'a> {
    reader: Reader<&'a [u8]>,
    /// An empty element is opened and closed.
    closes: Option<String>,
    /// What comes after a text that was put together from several pieces.
    ahead: Option<Token>,
    depth: usize,
}

impl<'a> Tokens<'a> {
    fn of(document: &'a str) -> Self {
        Self {
            reader: Reader::from_str(document),
            closes: None,
            ahead: None,
            depth: 0,
        }
    }

    /// The next piece; text that is nothing but white space is none.
    fn next(&mut self) -> Result<Token, CallError> {
        loop {
            match self.next_with_space()? {
                Token::Text(text) if text.trim().is_empty() => {}
                token => return Ok(token),
            }
        }
    }

    /// The next piece; text comes whole, with its references resolved.
    fn next_with_space(&mut self) -> Result<Token, CallError> {
        if let Some(token) = self.ahead.take() {
            return Ok(token);
        }
        let mut text = String::new();
        loop {
            match self.step(&mut text)? {
                None => {}
                Some(token) if text.is_empty() => return Ok(token),
                Some(token) => {
                    self.ahead = Some(token);
                    return Ok(Token::Text(text));
                }
            }
        }
    }

    /// Goes on by one event; text is added to `text`.
    fn step(&mut self, text: &mut String) -> Result<Option<Token>, CallError> {
        if let Some(name) = self.closes.take() {
            self.depth -= 1;
            return Ok(Some(Token::Close(name)));
        }
        let token = match self.reader.read_event().map_err(|_| CallError::Malformed)? {
            Event::Start(element) => {
                self.depth += 1;
                Token::Open(name_of(element.name().as_ref()))
            }
            Event::Empty(element) => {
                self.depth += 1;
                let name = name_of(element.name().as_ref());
                self.closes = Some(name.clone());
                Token::Open(name)
            }
            Event::End(element) => {
                self.depth -= 1;
                Token::Close(name_of(element.name().as_ref()))
            }
            Event::Text(piece) => {
                text.push_str(&piece.xml10_content());
                return Ok(None);
            }
            Event::CData(piece) => {
                text.push_str(&piece.xml10_content());
                return Ok(None);
            }
            Event::GeneralRef(reference) => {
                text.push_str(&resolved(&reference)?);
                return Ok(None);
            }
            Event::Comment(_) | Event::Decl(_) => return Ok(None),
            Event::DocType(_) | Event::PI(_) => return Err(CallError::Forbidden),
            Event::Eof if self.depth == 0 => Token::End,
            Event::Eof => return Err(CallError::Malformed),
        };
        Ok(Some(token))
    }

    fn expect_open(&mut self, name: &'static str) -> Result<(), CallError> {
        match self.next()? {
            Token::Open(found) if found == name => Ok(()),
            other => Err(other.instead_of(name)),
        }
    }

    fn expect_close(&mut self, name: &'static str) -> Result<(), CallError> {
        match self.next()? {
            Token::Close(found) if found == name => Ok(()),
            other => Err(other.instead_of(name)),
        }
    }

    /// Whether one more of the elements begins (`true`) or what holds them ends.
    fn opens_or_closes(&mut self, element: &'static str, holder: &str) -> Result<bool, CallError> {
        match self.next()? {
            Token::Open(found) if found == element => Ok(true),
            Token::Close(found) if found == holder => Ok(false),
            other => Err(other.instead_of(element)),
        }
    }

    /// The text up to the end of the element that is open.
    fn text_until(&mut self, name: &'static str) -> Result<String, CallError> {
        let mut text = String::new();
        loop {
            match self.next_with_space()? {
                Token::Text(piece) => text.push_str(&piece),
                Token::Close(found) if found == name => return Ok(text),
                other => return Err(other.instead_of("text")),
            }
        }
    }

    /// A value, up to the end of its `<value>`, which is open. Text without a type is a string.
    fn value(&mut self, depth: usize) -> Result<Value, CallError> {
        if depth == MAX_DEPTH {
            return Err(CallError::TooDeep);
        }
        let mut bare = String::new();
        let kind = loop {
            match self.next_with_space()? {
                Token::Text(text) => bare.push_str(&text),
                Token::Close(name) if name == "value" => return Ok(Value::Text(bare)),
                Token::Open(kind) if bare.trim().is_empty() => break kind,
                other => return Err(other.instead_of("a type or a text")),
            }
        };
        let value = match kind.as_str() {
            "array" => self.array(depth)?,
            "struct" => self.members(depth)?,
            "string" => Value::Text(self.text_until("string")?),
            "int" => Value::Text(self.text_until("int")?),
            "i4" => Value::Text(self.text_until("i4")?),
            "boolean" => Value::Text(self.text_until("boolean")?),
            "double" => Value::Text(self.text_until("double")?),
            "base64" => Value::Text(self.text_until("base64")?),
            "dateTime.iso8601" => Value::Text(self.text_until("dateTime.iso8601")?),
            "nil" => Value::Text(self.text_until("nil")?),
            _ => return Err(Token::Open(kind).instead_of("a type")),
        };
        self.expect_close("value")?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, CallError> {
        self.expect_open("data")?;
        let mut values = Vec::new();
        while self.opens_or_closes("value", "data")? {
            values.push(self.value(depth + 1)?);
        }
        self.expect_close("array")?;
        Ok(Value::Array(values))
    }

    fn members(&mut self, depth: usize) -> Result<Value, CallError> {
        let mut members = Vec::new();
        while self.opens_or_closes("member", "struct")? {
            self.expect_open("name")?;
            let name = self.text_until("name")?;
            self.expect_open("value")?;
            members.push((name, self.value(depth + 1)?));
            self.expect_close("member")?;
        }
        Ok(Value::Struct(members))
    }
}

fn name_of(name: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(name.as_ref()).into_owned()
}

/// A character, or one of the five entities that XML itself has.
fn resolved(reference: &BytesRef<'_>) -> Result<String, CallError> {
    if reference.is_char_ref() {
        let character = reference.resolve_char_ref().map_err(|_| CallError::Malformed)?;
        let character = character.filter(|c| is_allowed(*c));
        return character.map(String::from).ok_or(CallError::Malformed);
    }
    resolve_xml_entity(reference)
        .map(str::to_owned)
        .ok_or(CallError::Forbidden)
}

/// An answer with one value.
pub(super) fn answer(value: &Value) -> String {
    let mut document = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n".to_owned();
    write_value(&mut document, value);
    document.push_str("</param>\n</params>\n</methodResponse>\n");
    document
}

/// The answer to a call that can't be served. The codes are those that XML-RPC servers agree upon.
pub(super) fn fault(code: i32, message: &str) -> String {
    let message = escaped(message);
    format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n\
         <member>\n<name>faultCode</name>\n<value><int>{code}</int></value>\n</member>\n\
         <member>\n<name>faultString</name>\n<value><string>{message}</string></value>\n</member>\n\
         </struct></value>\n</fault>\n</methodResponse>\n"
    )
}

/// Writing to a String can't fail.
fn write_value(document: &mut String, value: &Value) {
    document.push_str("<value>");
    match value {
        Value::Text(text) => drop(write!(document, "<string>{}</string>", escaped(text))),
        Value::Array(values) => {
            document.push_str("<array><data>\n");
            values.iter().for_each(|value| write_value(document, value));
            document.push_str("</data></array>");
        }
        Value::Struct(members) => {
            document.push_str("<struct>\n");
            for (name, value) in members {
                let _ = writeln!(document, "<member>\n<name>{}</name>", escaped(name));
                write_value(document, value);
                document.push_str("</member>\n");
            }
            document.push_str("</struct>");
        }
    }
    document.push_str("</value>\n");
}

/// Whether XML can hold the character.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Text as XML can hold it: control characters, which it can't, become question marks.
fn escaped(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_allowed(c) { c } else { '?' })
        .collect();
    quick_xml::escape::escape(text.as_str()).into_owned()
}

#[cfg(test)]
#[path = "xml_rpc_tests.rs"]
mod tests;
