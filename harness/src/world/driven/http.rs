//! Requests over HTTP, and the rules of when one was sent: what never left this host certainly took no effect.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;

use checker::Datum;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, LOCATION};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::addresses::at;
use crate::clients::drivers::http::{Request, Response, answer, request};
use crate::clients::drivers::{Answer, Asked};
use crate::ids::NodeId;
use crate::limits;
use crate::system::http::HttpClient;

type Sent = hyper::Request<Full<Bytes>>;

/// The clients of a system that speaks HTTP, with the connections that they keep.
pub struct Http {
    client: HttpClient,
    idle: RefCell<BTreeMap<(NodeId, u16), Connection>>,
    /// Whether clients write numbers.
    are_numbers: Cell<bool>,
}

/// A connection; its task ends with it.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why there is no response.
enum Unanswered {
    /// The request never left.
    Unsent(String),
    /// It may have arrived.
    Sent(String),
}

impl Http {
    /// Clients that ask so.
    pub fn new(client: HttpClient) -> Self {
        Self { client, idle: RefCell::default(), are_numbers: Cell::new(false) }
    }

    /// Whether the server has closed the connection that is kept.
    #[cfg(test)]
    pub fn has_closed(&self, client: NodeId, port: u16) -> bool {
        self.idle.borrow().get(&(client, port)).is_none_or(|kept| kept.sender.is_closed())
    }

    /// Asks the replica at this port.
    pub async fn ask(&self, client: NodeId, port: u16, asked: Asked<'_>) -> Answer {
        if matches!(asked.value, Datum::Integer(_)) {
            self.are_numbers.set(true);
        }
        let Some(request) = request(&self.client, asked) else {
            let f = asked.f.name();
            return Answer::Fail(format!("the system file has no request for `{f}`"));
        };
        let kept = self.idle.borrow_mut().remove(&(client, port));
        match exchange(kept, port, &request).await {
            Ok((response, connection)) => {
                if let Some(connection) = connection {
                    self.idle.borrow_mut().insert((client, port), connection);
                }
                answer(&self.client, asked, &response, self.are_numbers.get())
            }
            Err(Unanswered::Unsent(why)) => Answer::Fail(why),
            Err(Unanswered::Sent(why)) => Answer::Info(why),
        }
    }
}

/// The response to a `GET` of this path, on a connection of its own.
pub async fn get(port: u16, path: &str) -> Result<Response, String> {
    let (method, path) = ("GET".to_owned(), path.to_owned());
    let request = Request { method, path, headers: Vec::new(), body: None };
    match exchange(None, port, &request).await {
        Ok((response, _)) => Ok(response),
        Err(Unanswered::Unsent(why) | Unanswered::Sent(why)) => Err(why),
    }
}

/// Sends a request over the connection that was kept, or over a new one. Returns the connection if it can be kept.
async fn exchange(
    kept: Option<Connection>,
    port: u16,
    request: &Request,
) -> Result<(Response, Option<Connection>), Unanswered> {
    let mut request = built(request, port).map_err(Unanswered::Unsent)?;
    if let Some(mut connection) = kept.filter(|it| !it.sender.is_closed())
        && connection.sender.ready().await.is_ok()
    {
        match connection.sender.try_send_request(request).await {
            Ok(response) => return read(response, connection).await,
            Err(mut error) => match error.take_message() {
                // The server had closed it meanwhile.
                Some(unsent) => request = unsent,
                None => return Err(Unanswered::Sent(reason(&error.into_error()))),
            },
        }
    }
    let mut connection = open(port).await?;
    match connection.sender.try_send_request(request).await {
        Ok(response) => read(response, connection).await,
        Err(mut error) => {
            let is_unsent = error.take_message().is_some();
            let why = reason(&error.into_error());
            Err(if is_unsent { Unanswered::Unsent(why) } else { Unanswered::Sent(why) })
        }
    }
}

async fn open(port: u16) -> Result<Connection, Unanswered> {
    let stream = TcpStream::connect(at(port)).await;
    let stream = stream.map_err(|error| Unanswered::Unsent(format!("cannot connect: {error}")))?;
    let _ = stream.set_nodelay(true);
    let made = handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|error| Unanswered::Unsent(reason(&error)))?;
    let task = tokio::task::spawn_local(async move {
        // What went wrong is told to the request.
        let _ = connection.await;
    });
    Ok(Connection { sender, task })
}

async fn read(
    response: hyper::Response<hyper::body::Incoming>,
    connection: Connection,
) -> Result<(Response, Option<Connection>), Unanswered> {
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION);
    let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), limits::ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| {
        let why = match error.downcast::<http_body_util::LengthLimitError>() {
            Ok(_) => format!("longer than {} bytes", limits::ANSWER_BYTES),
            Err(error) => causes(&*error),
        };
        Unanswered::Sent(format!("status {status}, and a body that cannot be read: {why}"))
    })?;
    let response = Response { status, location, body: body.to_bytes().to_vec() };
    Ok((response, Some(connection)))
}

fn built(request: &Request, port: u16) -> Result<Sent, String> {
    let mut builder = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(&request.path)
        .header(HOST, at(port).to_string());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let has_type = builder.headers_ref().is_some_and(|it| it.contains_key(CONTENT_TYPE));
    if request.body.is_some() && !has_type {
        builder = builder.header(CONTENT_TYPE, "application/json");
    }
    let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
    builder.body(body).map_err(|error| format!("no request can be made of the template: {error}"))
}

/// What went wrong, with its causes.
fn reason(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "the connection was closed before there was an answer".to_owned();
    }
    if error.is_parse() {
        return format!("the answer is no HTTP: {}", causes(error));
    }
    causes(error)
}

fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
