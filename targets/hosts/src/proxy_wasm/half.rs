//! One direction of a stream as one filter sees it: what has arrived, what the guest is shown, what goes on.

use super::headers::Headers;
use super::held::Held;
use super::status::Status;
use dunlin::{Budget, OutOfBudget};
use std::collections::VecDeque;

/// A part of a message. Of a TCP connection there are only bodies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Headers { headers: Headers, end: bool },
    Body { bytes: Vec<u8>, end: bool },
    Trailers(Headers),
}

/// What the guest has to be told next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Headers { count: u32, end: bool },
    Body { size: u32, end: bool },
    Trailers { count: u32 },
}

/// How much one direction may keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfLimits {
    pub(super) headers: usize,
    pub(super) body: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// No headers yet.
    Start,
    /// The guest holds the headers; it is told nothing more until it continues.
    HeldHeaders {
        end: bool,
    },
    Body,
    /// The guest holds the trailers, and perhaps a body.
    HeldTrailers,
    End,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Half {
    budget: Budget,
    limits: HalfLimits,
    stage: Stage,
    /// The guest asked to go on where it holds something.
    resume: bool,
    /// Headers or trailers that the guest may change: while it is told of them, and while it holds them.
    pub(super) headers: Option<Held<Headers>>,
    pub(super) trailers: Option<Held<Headers>>,
    /// What the guest is told of as the body.
    pub(super) body: Held<Vec<u8>>,
    /// The guest holds the body; whether that is all of it.
    held_body: Option<bool>,
    /// Headers as they went on.
    pub(super) passed: Option<Held<Headers>>,
    untold_headers: Option<bool>,
    untold_body: Held<Vec<u8>>,
    /// Whether a part of the body hasn't been told, and whether that is its end.
    untold: Option<bool>,
    untold_trailers: bool,
    /// What the guest is being told.
    telling: Option<Told>,
    out: VecDeque<Piece>,
}

impl Half {
    pub(super) fn new(budget: &Budget, limits: HalfLimits) -> Result<Self, OutOfBudget> {
        Ok(Self {
            stage: Stage::Start,
            resume: false,
            headers: None,
            trailers: None,
            body: Held::new(budget, limits.body)?,
            held_body: None,
            passed: None,
            untold_headers: None,
            untold_body: Held::new(budget, limits.body)?,
            untold: None,
            untold_trailers: false,
            telling: None,
            out: VecDeque::new(),
            budget: budget.clone(),
            limits,
        })
    }

    /// One without headers, of a TCP connection; `held` if the guest has to continue it first.
    pub(super) fn begin_connection(&mut self, held: bool) {
        self.stage = if held { Stage::HeldHeaders { end: false } } else { Stage::Body };
    }

    /// Something arrives.
    ///
    /// # Errors
    /// If there is no room to keep it.
    pub(super) fn push(&mut self, piece: Piece) -> Result<(), Status> {
        match piece {
            _ if self.stage == Stage::End => {}
            Piece::Headers { headers, end } => {
                self.headers = Some(self.hold(headers)?);
                self.untold_headers = Some(end);
            }
            Piece::Body { bytes, end } if end || !bytes.is_empty() => {
                if self.body.get().len() + self.untold_body.get().len() + bytes.len() > self.limits.body {
                    return Err(Status::InternalFailure);
                }
                self.untold_body.edit(bytes.len(), |body| body.extend(bytes))?;
                self.untold = Some(end);
            }
            Piece::Body { .. } => {}
            Piece::Trailers(trailers) => {
                self.trailers = Some(self.hold(trailers)?);
                self.untold_trailers = true;
            }
        }
        Ok(())
    }

    fn hold(&self, headers: Headers) -> Result<Held<Headers>, Status> {
        let mut held = Held::new(&self.budget, self.limits.headers).map_err(|_| Status::InternalFailure)?;
        held.edit(headers.weight(), |held| *held = headers)?;
        Ok(held)
    }

    /// Asks to go on with what the guest holds.
    pub(super) fn resume(&mut self) {
        self.resume = true;
    }

    /// What the guest has to be told now; its decision then has to be [given](Self::decide).
    ///
    /// # Errors
    /// If there is no room to show it.
    pub(super) fn next(&mut self) -> Result<Option<Told>, Status> {
        self.telling = self.find_next()?;
        Ok(self.telling)
    }

    fn find_next(&mut self) -> Result<Option<Told>, Status> {
        loop {
            let resume = std::mem::take(&mut self.resume);
            match self.stage {
                Stage::Start => {
                    let count = self.headers.as_ref().map_or(0, |held| held.get().len()) as u32;
                    return Ok(self.untold_headers.take().map(|end| Told::Headers { count, end }));
                }
                Stage::HeldHeaders { end } if resume => self.pass_headers(end),
                Stage::HeldTrailers if resume => self.pass_trailers(),
                Stage::Body => match self.held_body {
                    Some(end) if resume => self.pass_body(end),
                    _ => return self.next_of_body(),
                },
                Stage::HeldHeaders { .. } | Stage::HeldTrailers | Stage::End => return Ok(None),
            }
        }
    }

    fn next_of_body(&mut self) -> Result<Option<Told>, Status> {
        if let Some(end) = self.untold.take() {
            if self.body.get().is_empty() {
                std::mem::swap(&mut self.body, &mut self.untold_body);
            } else {
                let more = self.untold_body.take();
                self.body.edit(more.len(), |body| body.extend(more))?;
            }
            return Ok(Some(Told::Body { size: self.body.get().len() as u32, end }));
        }
        if std::mem::take(&mut self.untold_trailers) {
            let count = self.trailers.as_ref().map_or(0, |held| held.get().len()) as u32;
            return Ok(Some(Told::Trailers { count }));
        }
        Ok(None)
    }

    /// What the guest decided on what it was told.
    pub(super) fn decide(&mut self, hold: bool) {
        let Some(told) = self.telling.take().filter(|_| self.stage != Stage::End) else { return };
        match (told, hold) {
            (Told::Headers { end, .. }, true) => self.stage = Stage::HeldHeaders { end },
            (Told::Body { end, .. }, true) => self.held_body = Some(end),
            (Told::Trailers { .. }, true) => self.stage = Stage::HeldTrailers,
            (told, false) => {
                self.resume = false;
                match told {
                    Told::Headers { end, .. } => self.pass_headers(end),
                    Told::Body { end, .. } => self.pass_body(end),
                    Told::Trailers { .. } => self.pass_trailers(),
                }
            }
        }
    }

    fn pass_headers(&mut self, end: bool) {
        self.stage = if end { Stage::End } else { Stage::Body };
        if let Some(held) = self.headers.take() {
            self.out.push_back(Piece::Headers { headers: held.get().clone(), end });
            self.passed = Some(held);
        }
    }

    fn pass_body(&mut self, end: bool) {
        self.held_body = None;
        if end {
            self.stage = Stage::End;
        }
        let bytes = self.body.take();
        if end || !bytes.is_empty() {
            self.out.push_back(Piece::Body { bytes, end });
        }
    }

    fn pass_trailers(&mut self) {
        self.pass_body(false);
        self.stage = Stage::End;
        if let Some(mut held) = self.trailers.take() {
            self.out.push_back(Piece::Trailers(held.take()));
        }
    }

    /// Passes all that there is, whether the guest has seen it or not.
    pub(super) fn release(&mut self) {
        let telling = self.telling.take();
        match (self.stage, telling, self.untold_headers.take()) {
            (Stage::End, ..) => return,
            (Stage::Start, Some(Told::Headers { end, .. }), _)
            | (Stage::Start, _, Some(end))
            | (Stage::HeldHeaders { end }, ..) => self.pass_headers(end),
            _ => {}
        }
        let told_end = matches!(telling, Some(Told::Body { end: true, .. }));
        let end = told_end || self.held_body == Some(true) || self.untold == Some(true);
        self.pass_body(false);
        std::mem::swap(&mut self.body, &mut self.untold_body);
        self.untold = None;
        match self.trailers.is_some() {
            true => self.pass_trailers(),
            false if self.stage == Stage::Body => self.pass_body(end),
            false => {}
        }
    }

    /// Forgets what is kept: nothing of this direction goes on any more.
    pub(super) fn stop(&mut self) {
        self.stage = Stage::End;
        self.headers = None;
        self.trailers = None;
        self.body.take();
        self.untold_body.take();
        self.out.clear();
    }

    /// What goes on.
    pub(super) fn take(&mut self) -> VecDeque<Piece> {
        std::mem::take(&mut self.out)
    }

    /// Whether the guest can be told of more at once.
    pub(super) fn takes_more(&self) -> bool {
        matches!(self.stage, Stage::Start | Stage::Body)
    }
}

#[cfg(test)]
mod tests {
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
                assert_eq!(
                    (bytes, others),
                    (b"12".to_vec(), vec![headers(false), trailers()]),
                    "{told} {hold}"
                );
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
}
