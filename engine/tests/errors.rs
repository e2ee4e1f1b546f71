//! Errors, taken apart.

use dunlin::{
    Budget, Config, Engine, Error, ErrorKind, Instance, Module, OutOfBudget, Store, Trap, TypedFunc,
};
use std::io;

fn run(config: &Config, text: &str) -> Error {
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run: TypedFunc<(), ()> = instance.get_typed_func(&store, "run").unwrap();
    run.call(&mut store, ()).unwrap_err()
}

#[test]
fn a_trap_is_found() {
    let by_zero = "(module (func (export \"run\") (drop (i32.div_s (i32.const 1) (i32.const 0)))))";
    let error = run(&Config::new(), by_zero);
    assert!(error.is::<Trap>() && !error.is::<OutOfBudget>() && !error.is::<io::Error>());
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivisionByZero));
    let error = error.downcast::<io::Error>().unwrap_err();
    assert!(error.backtrace().is_some(), "unchanged");
    assert_eq!(error.context("outer").downcast::<Trap>().unwrap(), Trap::IntegerDivisionByZero);
    // One that has no memory of its own.
    for trap in [Trap::StackOverflow, Trap::ModuleChanged] {
        assert_eq!(Error::from(trap).downcast_ref(), Some(&trap));
        assert_eq!(Error::from(trap).downcast::<Trap>().unwrap(), trap);
    }
    assert!(!Error::msg("no trap").is::<Trap>());
}

#[test]
fn a_refusal_of_the_budget_is_found() {
    let budget = Budget::new(100);
    let error = Error::from(budget.charge(dunlin::Kind::Host, 101).unwrap_err());
    assert!(error.is::<OutOfBudget>() && !error.is::<Trap>());
    let refusal = error.out_of_budget().unwrap().clone();
    assert_eq!(error.downcast_ref::<OutOfBudget>(), Some(&refusal));
    assert_eq!(error.downcast::<OutOfBudget>().unwrap(), refusal);
    let error = Engine::new(Config::new().budget(budget)).unwrap_err();
    assert_eq!((error.kind(), error.is::<OutOfBudget>()), (ErrorKind::OutOfBudget, true));
}

#[test]
fn what_the_host_wrapped_is_found() {
    let error = Error::from(io::Error::other("gone"));
    assert!(error.is::<io::Error>() && error.kind() == ErrorKind::Io);
    assert_eq!(error.downcast::<io::Error>().unwrap().to_string(), "gone");
}
