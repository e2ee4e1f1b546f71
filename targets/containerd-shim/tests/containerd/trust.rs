//! Machine code: the shim's own is run, and nobody else's.

use crate::daemon::Containerd;
use crate::image::{WASM, image, layered};
use crate::registry::needs_artifacts;
use crate::{Context, Outcome, Test, guests};
use dunlin::{Engine, Module};
use dunlin_jit::aot::{Compile, Target, compile};

pub(crate) const TESTS: &[Test] =
    &[("machine_code_of_others", machine_code_of_others), ("layers_are_compiled", layers_are_compiled)];

/// The program that greets, with machine code.
fn compiled() -> Result<Vec<u8>, String> {
    let target = Target::here().ok_or("there is no machine code for this machine")?;
    let bytes = guests::hello();
    let module = Module::new(&Engine::default(), &bytes).unwrap();
    Ok(compile(&module, &bytes, &Compile::new(target)).unwrap().bytes)
}

fn machine_code_of_others(context: &Context) -> Outcome {
    let daemon = &context.daemon;
    daemon.import(&image("test/code:1", WASM, &compiled()?, ""));
    let refusal = "there is machine code in it, which nothing confines";
    daemon.run(&[], "test/code:1", "code", &[]).code(2).prints("").complains(refusal);
    needs_artifacts(context)?;
    daemon.import(&layered("test/code:2", &compiled()?));
    daemon.run(&[], "test/code:2", "code2", &[]).code(2).prints("").complains(refusal);
    Ok(())
}

fn layers_are_compiled(context: &Context) -> Outcome {
    needs_artifacts(context)?;
    compiled()?;
    let daemon = Containerd::start("compiling", context.programs.clone(), &[("DUNLIN_PRECOMPILE", "1")]);
    daemon.import(&layered("test/hello:1", &guests::hello()));
    let run = |id| daemon.run(&[], "test/hello:1", id, &[]).code(7).prints("hello\n");
    let kept = || daemon.ctr(&["content", "ls"]).out.matches("runwasi.io/precompiled/dunlin/").count();
    assert_eq!(kept(), 0);
    run("first");
    let after_the_first = kept();
    assert!(after_the_first > 0, "{}", daemon.log());
    run("second");
    assert_eq!(kept(), after_the_first);
    // Both times it was the machine code that ran.
    assert_eq!(daemon.log().matches("--allow-precompiled").count(), 2, "{}", daemon.log());
    Ok(())
}
