//! Records of which the last part is kept, and replays that stop and go on.

use super::*;
use dunlin::{ResumableCall, Trap};

#[test]
fn a_replay_stops_where_it_is_to_and_goes_on() {
    let engine = engine(Dispatch::Tail);
    let (result, file) = record(&engine, MIXES, 5, 30);
    let module = Module::new(&engine, MIXES).unwrap();
    let mut linker = Linker::new(&engine);
    linker.replay_host_funcs(&module).unwrap();
    let whole = {
        let record = Record::open(engine.budget(), Cursor::new(file.clone())).unwrap();
        let mut store = Store::new(&engine, Outside { random: 0 });
        store.replay(&module, record, HostErrors::default(), |_, _| Ok(())).unwrap();
        run(&mut store, &linker, &module, 30).unwrap();
        store.replay_position()
    };
    let record = Record::open(engine.budget(), Cursor::new(file)).unwrap();
    let mut store = Store::new(&engine, Outside { random: 0 });
    store.replay(&module, record, HostErrors::default(), |_, _| Ok(())).unwrap();
    let run = linker.instantiate(&mut store, &module).unwrap().get_func(&store, "run").unwrap();
    let mut results = [Val::I64(0)];
    store.replay_until(Some(0)).unwrap();
    let mut call = run.call_resumable(&mut store, &[Val::I32(30)], &mut results).unwrap();
    let mut until = 0;
    while let ResumableCall::Suspended(suspended) = call {
        assert_eq!(suspended.reason().trap(), Some(Trap::OutOfFuel));
        assert!(store.is_replay_at_goal());
        let position = store.replay_position();
        assert!(position <= until && until - position < 100, "{position} of {until}");
        assert!(store.replay_until(Some(position.saturating_sub(1))).is_err() || position == 0);
        until = position + whole / 50;
        store.replay_until(Some(until)).unwrap();
        call = suspended.resume(&mut store, &mut results).unwrap();
    }
    assert_eq!(store.end_replay(Ok(())), ReplayEnd::Same);
    assert_eq!(format!("{:?}", results[0]), shown(&result));
}

/// Of a long run, two segments are kept; from each, the rest is replayed.
#[test]
fn the_last_segments_are_replayed() {
    let engine = engine(Dispatch::Tail);
    let module = Module::new(&engine, MIXES).unwrap();
    let mut linker = linker(&engine);
    linker.record_host_funcs().unwrap();
    let mut store = Store::new(&engine, Outside { random: 12 });
    store.set_fuel(u64::MAX).unwrap();
    let mut files = vec![File::default()];
    store.record(&module, b"kept", HostErrors::default(), files[0].clone()).unwrap();
    let run = linker.instantiate(&mut store, &module).unwrap().get_func(&store, "run").unwrap();
    let mut results = [Val::I64(0)];
    store.bound_record(100_000);
    let mut call = run.call_resumable(&mut store, &[Val::I32(150)], &mut results).unwrap();
    while let ResumableCall::Suspended(suspended) = call {
        assert_eq!(suspended.reason().trap(), Some(Trap::Interrupt));
        assert!(store.is_record_full());
        let file = File::default();
        suspended.continue_record(&mut store, &linker, file.clone()).unwrap();
        assert!(!store.is_record_full());
        files.push(file);
        call = suspended.resume(&mut store, &mut results).unwrap();
    }
    store.end_record(Ok(())).unwrap();
    assert!(files.len() > 3, "{}", files.len());
    for (first, chained) in [(0, false), (1, true), (files.len() - 2, true), (files.len() - 1, false)] {
        let engine = super::engine(Dispatch::Loop);
        let module = Module::new(&engine, MIXES).unwrap();
        let mut record = Record::open(engine.budget(), Cursor::new(files[first].bytes())).unwrap();
        assert_eq!((record.segment(), record.embedder()), (first as u64, &b"kept"[..]));
        let mut linker = Linker::new(&engine);
        linker.replay_host_funcs(&module).unwrap();
        let mut store = Store::new(&engine, Outside { random: 0 });
        let mut again = [Val::I64(0)];
        let begun = match first {
            0 => None,
            _ => record.restore(&mut store, &linker, &[&module]).unwrap().call,
        };
        if chained {
            record.then(Cursor::new(files[first + 1].bytes()), engine.budget()).unwrap();
        }
        let position = record.position();
        store.replay(&module, record, HostErrors::default(), |_, _| Ok(())).unwrap();
        assert_eq!(store.replay_position(), position);
        let ended = match begun {
            Some(call) => call.resume(&mut store, &mut again).map(|call| match call {
                ResumableCall::Finished => Ok(()),
                ResumableCall::Suspended(call) => Err(call.into_reason()),
            }),
            None => Ok(super::run(&mut store, &linker, &module, 150).map(|_| ())),
        };
        let ended = ended.and_then(|ended| ended);
        let end = store.end_replay(ended.as_ref().map(|_| ()));
        if first + 1 + usize::from(chained) == files.len() {
            assert_eq!(end, ReplayEnd::Same, "{first}");
            assert_eq!(again[0].unwrap_i64(), results[0].unwrap_i64());
        } else {
            assert_eq!(end, ReplayEnd::RecordEnds(None), "{first}");
            let last = Record::open(engine.budget(), Cursor::new(files[first + 1].bytes())).unwrap();
            assert_eq!(store.replay_position() > last.position(), chained, "{first}");
        }
    }
    // A segment that isn't the next one is noticed.
    let mut record = Record::open(engine.budget(), Cursor::new(files[0].bytes())).unwrap();
    record.then(Cursor::new(files[2].bytes()), engine.budget()).unwrap();
    let mut linker = Linker::new(&engine);
    linker.replay_host_funcs(&module).unwrap();
    let mut store = Store::new(&engine, Outside { random: 0 });
    store.replay(&module, record, HostErrors::default(), |_, _| Ok(())).unwrap();
    let error = super::run(&mut store, &linker, &module, 150).unwrap_err();
    assert_eq!(error.to_string(), "the second record doesn't follow the first");
}
