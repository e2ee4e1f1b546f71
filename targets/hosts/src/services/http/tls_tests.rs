//! TLS, against `openssl s_server`. Which certificates are trusted is the environment's business, so the client is in a
//! process of its own: this test's program, with a test that is otherwise ignored.

use super::*;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const URL: &str = "DUNLIN_TEST_URL";

/// A server that answers with a page about the connection, ended when it is dropped.
struct Server {
    child: Child,
    port: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the certificates say: for `localhost` only, and not to sign others.
const CERTIFICATE: &str = "[req]\nprompt=no\ndistinguished_name=name\nx509_extensions=more\n[name]\nCN=x\n\
    [more]\nsubjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n";

/// A new folder with a certificate that signs for itself. `None` without openssl.
fn certificate(name: &str) -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("dunlin-tls-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("req.cnf"), CERTIFICATE).unwrap();
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey rsa:2048 -nodes -config req.cnf -keyout key.pem -out cert.pem -days 2"
                .split(' '),
        )
        .current_dir(&folder)
        .output()
        .ok()?;
    assert!(made.status.success(), "{made:?}");
    Some(folder)
}

fn server(folder: &Path) -> Server {
    let mut child = Command::new("openssl")
        .args("s_server -accept 127.0.0.1:0 -www -cert cert.pem -key key.pem".split(' '))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let accepts = lines.into_iter().find(|line| line.starts_with("ACCEPT ")).unwrap();
    let port = accepts.rsplit(':').next().unwrap().to_owned();
    Server { child, port }
}

/// What the other process's client says of a URL, where this certificate is trusted.
fn said(url: &str, trusted: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "services::http::tls_tests::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(URL, url)
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(|line| line.split_once("SAID ")).map(|(_, said)| said.to_owned()).unwrap()
}

#[test]
#[ignore = "the other test runs it"]
fn in_a_process_of_its_own() {
    let Ok(url) = std::env::var(URL) else { return };
    let sent = Client::new(AllowList::everywhere()).send(Request::new("GET", url));
    let said = match sent {
        Ok(response) => format!("status {}", response.status),
        Err(error) => error.to_string(),
    };
    println!("SAID {said}");
}

#[test]
fn certificates_are_verified() {
    let Some((folder, other)) = certificate("ours").zip(certificate("other")) else {
        let _ = writeln!(io::stderr(), "SKIPPED: TLS, for openssl isn't installed");
        return;
    };
    let server = server(&folder);
    let by_name = format!("https://localhost:{}/", server.port);
    assert_eq!(said(&by_name, &folder.join("cert.pem")), "status 200");
    let refused = said(&by_name, &other.join("cert.pem"));
    assert!(refused.contains("certificate"), "{refused}");
    let refused = said(&format!("https://127.0.0.1:{}/", server.port), &folder.join("cert.pem"));
    assert!(refused.contains("not valid for name"), "{refused}");
    let refused = said(&by_name, Path::new("/nowhere"));
    assert!(refused.contains("certificate"), "{refused}");
    for folder in [folder, other] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}
