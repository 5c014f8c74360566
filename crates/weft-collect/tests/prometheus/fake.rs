//! An HTTP/1.1 server of a few lines on the loopback address, which answers as a test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use weft_collect::fetch::Waiting;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    /// A field of the form.
    pub(crate) fn field(&self, name: &str) -> String {
        let pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(key, _)| *key == name);
        value.map(|(_, value)| decoded(value)).unwrap_or_default()
    }

    /// A field of the form that is a number of seconds.
    pub(crate) fn seconds(&self, name: &str) -> i64 {
        self.field(name).parse::<f64>().unwrap() as i64
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [*rest.next().unwrap(), *rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Answers with a status, further headers and a body.
    Status(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Promises more than it sends.
    Cut,
    /// Says nothing until the client goes.
    Silence,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Status(200, Vec::new(), body.into())
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Status(status, Vec::new(), body.into())
    }

    pub(crate) fn redirect(status: u16, to: impl Into<String>) -> Self {
        Self::Status(status, vec![("location", to.into())], Vec::new())
    }
}

/// A running server; it ends with the value.
pub(crate) struct Fake {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    is_over: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Fake {
    /// Starts a server that answers by `reply`, which is told how many requests came before.
    pub(crate) fn start(reply: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (noted, over, reply) = (seen.clone(), is_over.clone(), Arc::new(reply));
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (noted, reply) = (noted.clone(), reply.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &noted, &*reply));
            }
        });
        Self { address, seen, is_over, listening: Some(listening) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn serve(mut stream: TcpStream, noted: &Mutex<Vec<Seen>>, reply: &dyn Fn(usize, &Seen) -> Reply) {
    let Some(seen) = read(&stream) else { return };
    let before = {
        let mut noted = noted.lock().unwrap();
        noted.push(seen.clone());
        noted.len() - 1
    };
    // The client may be gone already; then nobody minds.
    let _ = match reply(before, &seen) {
        Reply::Status(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            head += "connection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Reply::Cut => stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nhalf"),
        Reply::Silence => stream.read(&mut [0]).map(|_| ()),
    };
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace().map(str::to_owned);
    let mut seen = Seen { method: parts.next()?, path: parts.next()?, ..Seen::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        seen.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = seen.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// Waits by noting the time, and draws one half.
#[derive(Debug, Default)]
pub(crate) struct Noted(pub(crate) Mutex<Vec<Duration>>);

impl Noted {
    pub(crate) fn millis(&self) -> Vec<u128> {
        self.0.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

impl Waiting for Noted {
    fn wait(&self, time: Duration) {
        self.0.lock().unwrap().push(time);
    }

    fn draw(&self) -> f64 {
        0.5
    }
}
