//! How data is moved between the guest's buffers and whatever reads or writes it.

use super::*;
use crate::calls::transfer::{gather, scatter};

#[test]
fn a_transfer_is_no_larger_than_a_number() {
    const MOST: u32 = i32::MAX as u32;
    /// A transfer that counts, and takes no more than `room`.
    fn counting(calls: &mut Vec<(usize, u32)>, room: u32) -> impl FnMut(usize, u32) -> Result<usize> {
        move |len, done| {
            calls.push((len, done));
            Ok(len.min((room - done) as usize))
        }
    }
    let mut sandbox = Sandbox::new();
    // 1024 buffers of 3 MiB that are all the same memory: 3 GiB.
    const LEN: u32 = 3 << 20;
    sandbox.memory.resize(BUF as usize + LEN as usize, 0);
    for index in 0..1024 {
        let at = 20_000 + index * 8;
        sandbox.memory[at..at + 4].copy_from_slice(&BUF.to_le_bytes());
        sandbox.memory[at + 4..at + 8].copy_from_slice(&LEN.to_le_bytes());
    }
    let iovs = (20_000, 1024);
    let last = (MOST % LEN) as usize;
    let full = MOST.div_ceil(LEN) as usize;
    for room in [MOST, u32::MAX] {
        let (mut read, mut written) = (Vec::new(), Vec::new());
        sandbox
            .call(|_, guest| {
                let mut transfer = counting(&mut read, room);
                assert_eq!(scatter(guest, iovs, false, |buf, done| transfer(buf.len(), done)), Ok(MOST));
                let mut transfer = counting(&mut written, room);
                assert_eq!(gather(guest, iovs, |bytes, done| transfer(bytes.len(), done)), Ok(MOST));
                Ok(())
            })
            .unwrap();
        for calls in [read, written] {
            assert_eq!(calls.len(), full);
            assert_eq!(calls[full - 1], (last, MOST - last as u32));
            assert!(
                calls[..full - 1].iter().zip(0..).all(|(call, index)| *call == (LEN as usize, index * LEN))
            );
        }
    }
    // Small buffers that are gathered at the end don't go beyond it either.
    let small = 20_000 + 8 * (MOST / LEN) as usize;
    let lens = [last - 10, 4, 4, 4, 4];
    for (index, len) in lens.into_iter().enumerate() {
        sandbox.memory[small + index * 8 + 4..][..4].copy_from_slice(&(len as u32).to_le_bytes());
    }
    let mut written = Vec::new();
    sandbox
        .call(|_, guest| {
            let mut transfer = counting(&mut written, u32::MAX);
            assert_eq!(gather(guest, iovs, |bytes, done| transfer(bytes.len(), done)), Ok(MOST));
            Ok(())
        })
        .unwrap();
    assert_eq!(written[full..], [(8, MOST - 10), (2, MOST - 2)]);
}

#[test]
fn of_a_transfer_that_fails_half_way_the_guest_learns_how_much_was_done() {
    let mut sandbox = Sandbox::new();
    let (iovs, len) = sandbox.iovs(&[5000, 5000, 5000]);
    let transfer = |sandbox: &mut Sandbox, fail: Fail, after: u32| {
        let mut results = Vec::new();
        sandbox
            .call(|_, guest| {
                let step = |len: usize, done: u32| if done < after { Ok(len) } else { Err(fail) };
                results.push(scatter(guest, (iovs, len), false, |buf, done| step(buf.len(), done)));
                results.push(gather(guest, (iovs, len), |bytes, done| step(bytes.len(), done)));
                Ok(())
            })
            .unwrap();
        assert_eq!(results[0], results[1]);
        results[0]
    };
    let full = Fail::Errno(Errno::NOSPC);
    assert_eq!(transfer(&mut sandbox, full, 0), Err(full));
    assert_eq!(transfer(&mut sandbox, full, 1), Ok(5000));
    assert_eq!(transfer(&mut sandbox, full, 5001), Ok(10_000));
    assert_eq!(transfer(&mut sandbox, full, 10_001), Ok(15_000));
    // These end the guest, or stop it; there is nobody to tell.
    for fail in [Fail::Interrupted, Fail::Exit(141)] {
        assert_eq!(transfer(&mut sandbox, fail, 0), Err(fail));
        assert_eq!(transfer(&mut sandbox, fail, 5001), Err(fail));
    }
    // What takes a part of one buffer isn't given the next.
    sandbox
        .call(|_, guest| {
            let mut calls = 0;
            let mut step = |len: usize| {
                calls += 1;
                Ok(len.min(7000 - 5000 * (calls - 1)))
            };
            assert_eq!(gather(guest, (iovs, len), |bytes, _| step(bytes.len())), Ok(7000));
            assert_eq!(calls, 2);
            Ok(())
        })
        .unwrap();
}

#[test]
fn small_buffers_are_written_together() {
    let mut sandbox = Sandbox::new();
    let mut written = |lens: &[usize]| {
        let iovs = sandbox.iovs(lens);
        let mut calls = Vec::new();
        let mut write = |bytes: &[u8], done: u32| {
            calls.push((bytes.len(), done));
            Ok(bytes.len())
        };
        sandbox.call(|_, guest| gather(guest, iovs, &mut write).map(|_| ())).unwrap();
        calls
    };
    // As much as a pipe takes at once, and no more.
    assert_eq!(written(&[4095, 1]), [(4096, 0)]);
    assert_eq!(written(&[4095, 1, 1]), [(4096, 0), (1, 4096)]);
    assert_eq!(written(&[4095, 2]), [(4095, 0), (2, 4095)]);
    assert_eq!(written(&[4096, 1, 2]), [(4096, 0), (3, 4096)]);
    assert_eq!(written(&[1, 5000, 1]), [(1, 0), (5000, 1), (1, 5001)]);
    assert_eq!(written(&[0, 0, 7]), [(7, 0)]);
    // Of nothing, nothing is written.
    assert_eq!(written(&[0, 0]), []);
    assert_eq!(written(&[]), []);
}
