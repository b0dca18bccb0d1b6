//! A little of the `WebDriver` protocol (W3C) over plain HTTP: enough to open a page, type, click, run a script and read the logs.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// A headless Chromium with one page.
pub(crate) struct Browser {
    driver: Child,
    /// What it says, kept open as long as it may say something.
    _said: BufReader<ChildStdout>,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one.
    ///
    /// # Errors
    /// `ChromeDriver` or Chromium is absent.
    pub(crate) fn open(width: u32, height: u32) -> Result<Self, String> {
        let started = Command::new("chromedriver").args(["--port=0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = started.map_err(|_| "skipped: chromedriver is absent (Debian's packages chromium and chromium-driver)")?;
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let port = said
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok());
        let mut browser = Self { driver, _said: said, port: port.expect("chromedriver says its port"), session: String::new() };
        let args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", &format!("--window-size={width},{height}")]
            .map(str::to_owned);
        let options = json!({"args": args});
        let logs = json!({"browser": "ALL", "performance": "ALL"});
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs,
            // A machine that builds meanwhile is slow: patience fails no test.
            "timeouts": {"script": 300_000, "pageLoad": 300_000},
        }}});
        let answer = browser.call("POST", "/session", Some(&wanted));
        let session =
            answer["sessionId"].as_str().ok_or_else(|| format!("skipped: no Chromium could be started: {}", answer["message"]))?;
        session.clone_into(&mut browser.session);
        // Windows of a desktop have a least width: a phone's is set behind it.
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        browser.cdp("Emulation.setDeviceMetricsOverride", &metrics);
        Ok(browser)
    }

    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str, arguments: &Value) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Until a script returns true.
    pub(crate) fn wait(&self, script: &str) {
        let until = "const done = arguments[arguments.length - 1], is = new Function(arguments[0]), began = Date.now(); \
                     const look = () => is() || Date.now() - began > 20000 ? done(is()) : setTimeout(look, 20); look()";
        assert_eq!(self.post("/execute/async", &json!({"script": until, "args": [script]})), true, "it never came to {script}");
    }

    /// Types into an element; keys such as the arrows are `WebDriver`'s.
    pub(crate) fn keys(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    pub(crate) fn click(&self, selector: &str) {
        // What is under a sticky bar cannot be clicked.
        self.run("document.querySelector(arguments[0]).scrollIntoView({ block: 'center' })", &json!([selector]));
        let element = self.element(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// `light` or `dark`.
    pub(crate) fn scheme(&self, scheme: &str) {
        self.cdp("Emulation.setEmulatedMedia", &json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}));
    }

    /// The entries of a log since it was last read.
    pub(crate) fn log(&self, kind: &str) -> Vec<Value> {
        self.post("/se/log", &json!({"type": kind})).as_array().cloned().unwrap_or_default()
    }

    /// The addresses that the page asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        let sent = |entry: Value| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let is_sent = message["message"]["method"] == "Network.requestWillBeSent";
            is_sent.then(|| message["message"]["params"]["request"]["url"].as_str().map(str::to_owned)).flatten()
        };
        self.log("performance").into_iter().filter_map(sent).collect()
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str).unwrap().to_owned()
    }

    fn cdp(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let value = self.call("POST", &format!("/session/{}{path}", self.session), Some(body));
        assert!(value.get("error").is_none(), "{path}: {}", value["message"]);
        value
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let body = body.map_or_else(String::new, Value::to_string);
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut reader = BufReader::new(socket);
        let mut length = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse::<u64>().ok();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader.take(length.unwrap_or(u64::MAX)).read_to_end(&mut answer).unwrap();
        serde_json::from_slice::<Value>(&answer).map_or(Value::Null, |answer| answer["value"].clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            drop(self.call("DELETE", &format!("/session/{}", self.session), None));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
