use dunlin::*;
use dunlin_jit::*;
fn main() {
    let mode = std::env::args().nth(1).unwrap();
    let path = std::env::args().nth(2).unwrap();
    let f = std::env::args().nth(3).unwrap();
    let arg: i32 = std::env::args().nth(4).map_or(0, |s| s.parse().unwrap());
    let mut o = Jit::options();
    match mode.as_str() {
        "first" => {
            o.mode(Mode::Sync).threshold(0);
        }
        "sync" => {
            o.mode(Mode::Sync);
        }
        "eager" => {
            o.mode(Mode::Eager);
        }
        _ => {}
    }
    let mut c = Config::new();
    let jit = Jit::new(&o).unwrap();
    if mode != "off" {
        c.tier(jit.clone());
    }
    let engine = Engine::new(&c).unwrap();
    let module = Module::from_file(&engine, path).unwrap();
    let mut store = Store::new(&engine, ());
    let inst = Instance::new(&mut store, &module, &[]).unwrap();
    let f = inst.get_typed_func::<i32, i32>(&store, &f).unwrap();
    let t = std::time::Instant::now();
    let r = f.call(&mut store, arg);
    println!("{r:?} {:?}", t.elapsed());
    println!("{:?}", jit.stats());
}
