//! Asynchronous calls on executors that others made: tokio's and smol's.

mod calls;
mod many;
mod wasi;

use dunlin::{Caller, Config, Engine, Linker};

/// Runs something on several executors: on this thread, and on several threads that may each poll it.
fn everywhere<F, Fut>(run: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run());
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    threads.block_on(async { tokio::spawn(run()).await.unwrap() });
    smol::block_on(run());
    smol::block_on(smol::spawn(run()));
}

/// Ready when it is polled the second time.
async fn later() {
    smol::future::yield_now().await;
}

/// Engines that interpret, in both ways, and one that compiles everything.
fn engines(change: impl Fn(&mut Config)) -> Vec<Engine> {
    let mut engines = Vec::new();
    for dispatch in [dunlin::Dispatch::Tail, dunlin::Dispatch::Loop] {
        let mut config = Config::new();
        change(config.dispatch(dispatch));
        engines.push(Engine::new(&config).unwrap());
    }
    let mode = dunlin_jit::Mode::Sync;
    if let Ok(jit) = dunlin_jit::Jit::new(dunlin_jit::Jit::options().mode(mode).threshold(0)) {
        for suspends in [false, true] {
            let mut config = Config::new();
            change(config.tier(jit.clone()).suspend_compiled(suspends));
            engines.push(Engine::new(&config).unwrap());
        }
    }
    engines
}

/// `host.add` gives the sum of its arguments, later; `host.log` notes its argument at once.
fn linker(engine: &Engine) -> Linker<Vec<i32>> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap_async("host", "add", |mut caller: Caller<'_, Vec<i32>>, (a, b): (i32, i32)| {
            Box::new(async move {
                later().await;
                caller.data_mut().push(a);
                later().await;
                a + b
            })
        })
        .unwrap()
        .func_wrap("host", "log", |mut caller: Caller<'_, Vec<i32>>, n: i32| caller.data_mut().push(n))
        .unwrap();
    linker
}
