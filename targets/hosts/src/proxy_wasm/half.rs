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
mod tests;
