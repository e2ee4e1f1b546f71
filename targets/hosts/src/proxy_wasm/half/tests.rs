use super::*;

fn half() -> Half {
    Half::new(&Budget::new(1 << 20), HalfLimits { headers: 100, body: 10 }).unwrap()
}

fn headers(end: bool) -> Piece {
    Piece::Headers { headers: [("a", "b")].into_iter().collect(), end }
}

fn body(text: &str, end: bool) -> Piece {
    Piece::Body { bytes: text.into(), end }
}

fn trailers() -> Piece {
    Piece::Trailers([("t", "u")].into_iter().collect())
}

const HEADERS: Told = Told::Headers { count: 1, end: false };

#[track_caller]
fn tells(half: &mut Half, told: Told, hold: bool) {
    assert_eq!(half.next(), Ok(Some(told)));
    half.decide(hold);
}

#[test]
fn what_isn_t_held_goes_on() {
    let mut half = half();
    for piece in [headers(false), body("1", false), trailers()] {
        half.push(piece).unwrap();
    }
    tells(&mut half, HEADERS, false);
    tells(&mut half, Told::Body { size: 1, end: false }, false);
    tells(&mut half, Told::Trailers { count: 1 }, false);
    assert_eq!(half.next(), Ok(None));
    assert_eq!(half.take(), [headers(false), body("1", false), trailers()]);
}

#[test]
fn held_headers_hold_all_that_follows() {
    let mut half = half();
    half.push(headers(false)).unwrap();
    tells(&mut half, HEADERS, true);
    half.push(body("12", true)).unwrap();
    assert_eq!((half.next(), half.takes_more()), (Ok(None), false));
    assert_eq!(half.take(), []);
    half.resume();
    tells(&mut half, Told::Body { size: 2, end: true }, false);
    assert_eq!(half.take(), [headers(false), body("12", true)]);
    assert!(half.headers.is_none() && half.passed.is_some());
}

#[test]
fn a_held_body_is_told_with_what_follows() {
    let mut half = half();
    half.push(headers(false)).unwrap();
    tells(&mut half, HEADERS, false);
    half.push(body("1", false)).unwrap();
    tells(&mut half, Told::Body { size: 1, end: false }, true);
    half.push(body("23", false)).unwrap();
    tells(&mut half, Told::Body { size: 3, end: false }, true);
    assert_eq!(half.take(), [headers(false)]);
    half.resume();
    assert_eq!(half.next(), Ok(None));
    assert_eq!(half.take(), [body("123", false)]);
    half.push(body("", true)).unwrap();
    tells(&mut half, Told::Body { size: 0, end: true }, true);
    half.resume();
    assert_eq!(half.next(), Ok(None));
    assert_eq!(half.take(), [body("", true)]);
}

#[test]
fn held_trailers_hold_the_body() {
    let mut half = half();
    for piece in [headers(false), body("1", false), trailers()] {
        half.push(piece).unwrap();
    }
    tells(&mut half, HEADERS, false);
    tells(&mut half, Told::Body { size: 1, end: false }, true);
    tells(&mut half, Told::Trailers { count: 1 }, true);
    assert_eq!(half.take(), [headers(false)]);
    half.resume();
    assert_eq!(half.next(), Ok(None));
    assert_eq!(half.take(), [body("1", false), trailers()]);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut half = half();
    half.push(headers(false)).unwrap();
    tells(&mut half, HEADERS, false);
    half.push(body("123456", false)).unwrap();
    tells(&mut half, Told::Body { size: 6, end: false }, true);
    assert_eq!(half.push(body("12345", false)), Err(Status::InternalFailure));
    half.push(body("1234", false)).unwrap();
    let long = [("a", "b".repeat(100))].into_iter().collect();
    assert_eq!(half.push(Piece::Trailers(long)), Err(Status::InternalFailure));
}

#[test]
fn what_is_released_is_whole() {
    let all = [headers(false), body("1", false), body("2", false), trailers()];
    for told in 0..=4 {
        for hold in [false, true] {
            let mut half = half();
            let mut pieces = all.iter().cloned();
            for _ in 0..told {
                half.push(pieces.next().unwrap()).unwrap();
                if half.next() != Ok(None) {
                    half.decide(hold);
                }
            }
            for piece in pieces {
                half.push(piece).unwrap();
            }
            // A trap in the callback.
            let _ = half.next();
            half.release();
            let mut bytes = Vec::new();
            let mut others = Vec::new();
            for piece in half.take() {
                match piece {
                    Piece::Body { bytes: more, end: false } => bytes.extend(more),
                    other => others.push(other),
                }
            }
            assert_eq!((bytes, others), (b"12".to_vec(), vec![headers(false), trailers()]), "{told} {hold}");
        }
    }
}

#[test]
fn what_is_stopped_is_forgotten() {
    let budget = Budget::new(1 << 20);
    let mut half = Half::new(&budget, HalfLimits { headers: 100, body: 10 }).unwrap();
    half.push(headers(false)).unwrap();
    half.push(body("1", true)).unwrap();
    assert!(budget.used() > 0);
    half.stop();
    assert_eq!((half.next(), half.take(), budget.used()), (Ok(None), VecDeque::new(), 0));
}
