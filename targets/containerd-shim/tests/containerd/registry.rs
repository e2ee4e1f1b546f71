//! Images and artifacts in a registry on loopback, which skopeo fills.

use crate::daemon::Containerd;
use crate::image::{WASM, artifact, image, layered};
use crate::{Context, Outcome, Test, guests, there_is};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

pub(crate) const TESTS: &[Test] = &[
    ("an_image_in_a_registry", an_image_in_a_registry),
    ("a_module_is_a_layer", a_module_is_a_layer),
    ("an_artifact_in_a_registry", an_artifact_in_a_registry),
];

/// A registry that ends with this value.
struct Registry {
    child: Child,
    address: SocketAddr,
}

impl Registry {
    fn start(daemon: &Containerd) -> Result<Self, String> {
        if !there_is("docker-registry", "--version") || !there_is("skopeo", "--version") {
            return Err("there is no docker-registry, or no skopeo".into());
        }
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = daemon.folder.join("registry.yml");
        let folder = daemon.folder.join("registry");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder:?}}}}}\nhttp: {{addr: \"{address}\"}}\n"
        );
        fs::write(&config, text).unwrap();
        let mut serve = Command::new("docker-registry");
        serve.arg("serve").arg(config).env("OTEL_TRACES_EXPORTER", "none");
        let child = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { child, address };
        daemon.until("the registry listens", |_| TcpStream::connect(address).is_ok());
        Ok(registry)
    }

    /// Pushes an archive, and has containerd pull it. Gives its name there.
    fn through(&self, daemon: &Containerd, name: &str, archive: &[u8]) -> String {
        let path = daemon.folder.join("push.tar");
        fs::write(&path, archive).unwrap();
        let name = format!("{}/{name}", self.address);
        let copied = Command::new("timeout")
            .args(["60", "skopeo", "copy", "--all", "--dest-tls-verify=false"])
            .arg(format!("oci-archive:{}", path.display()))
            .arg(format!("docker://{name}"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{copied:?}");
        daemon.ctr(&["image", "pull", "--plain-http", "--platform", "wasip1/wasm", &name]).code(0);
        name
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn an_image_in_a_registry(Context { daemon, .. }: &Context) -> Outcome {
    let registry = Registry::start(daemon)?;
    let name = registry.through(daemon, "hello:1", &image("hello:1", WASM, &guests::hello(), ""));
    daemon.run(&[], &name, "pulled", &[]).code(7).prints("hello\n");
    Ok(())
}

fn a_module_is_a_layer(context: &Context) -> Outcome {
    let daemon = &context.daemon;
    needs_artifacts(context)?;
    let registry = Registry::start(daemon)?;
    let name = registry.through(daemon, "layer:1", &layered("layer:1", &guests::surroundings("_start")));
    let ended = daemon.run(&[], &name, "layer", &["/called", "one"]).code(0);
    assert!(ended.out.starts_with("/called\none\n"), "{ended:#?}");
    // What the module takes as a layer is counted, too: 4 MiB are dunlin's, and the memory doesn't fit the rest.
    daemon.import(&layered("test/large:2", &guests::large(28 * 16)));
    daemon
        .run(&["--memory-limit", "33554432"], "test/large:2", "layer-large", &[])
        .code(126)
        .complains("is too small");
    Ok(())
}

fn an_artifact_in_a_registry(context: &Context) -> Outcome {
    let daemon = &context.daemon;
    needs_artifacts(context)?;
    let registry = Registry::start(daemon)?;
    let name =
        registry.through(daemon, "artifact:1", &artifact("artifact:1", &guests::surroundings("_start")));
    // It has no entrypoint: whoever runs it says what it is called.
    let ended = daemon.run(&[], &name, "artifact", &["/called", "one"]);
    if ended.err.contains("unknown image config media type") {
        return Err("this ctr runs no artifacts, only images whose layers are modules".into());
    }
    assert!(ended.out.starts_with("/called\none\n"), "{ended:#?}");
    Ok(())
}

/// Skips a test if containerd is older than artifacts are.
pub(crate) fn needs_artifacts(Context { programs, .. }: &Context) -> Outcome {
    let version = Containerd::version(programs).unwrap_or_default();
    match version >= vec![1, 7, 7] || (version >= vec![1, 6, 25] && version < vec![1, 7]) {
        true => Ok(()),
        false => {
            Err(format!("layers that are modules need containerd 1.6.25 or 1.7.7, and this is {version:?}"))
        }
    }
}
