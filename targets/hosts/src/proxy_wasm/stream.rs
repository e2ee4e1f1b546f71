//! Streams: exchanges that pass the filters of a chain.

use super::attributes::Attributes;
use super::chain::Chain;
use super::half::Piece;
use super::headers::Headers;
use super::host::{ContextId, LocalResponse};
use super::status::{Peer, Side};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the proxy has to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Begin the request to the upstream; `end` if it has neither body nor trailers.
    RequestHeaders {
        /// The headers.
        headers: Headers,
        /// Nothing follows.
        end: bool,
    },
    /// Send a part of the request's body; of a TCP connection, what goes to the upstream.
    RequestBody {
        /// The part, which may be empty at the end.
        bytes: Vec<u8>,
        /// Nothing follows.
        end: bool,
    },
    /// End the request with these trailers.
    RequestTrailers(Headers),
    /// A filter answers. Abandon the request to the upstream, if it was begun; the response follows.
    Answered {
        /// Why, for a log.
        details: String,
    },
    /// Begin the response.
    ResponseHeaders {
        /// The headers, with `:status`.
        headers: Headers,
        /// Nothing follows.
        end: bool,
    },
    /// Send a part of the response's body; of a TCP connection, what goes to the client.
    ResponseBody {
        /// The part, which may be empty at the end.
        bytes: Vec<u8>,
        /// Nothing follows.
        end: bool,
    },
    /// End the response with these trailers.
    ResponseTrailers(Headers),
    /// Close the connection to the client, and the request to the upstream, without sending more.
    Reset,
}

/// Where a stream is at one filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// The filter hasn't seen it.
    Before,
    At(ContextId),
    /// It passes unfiltered.
    Past,
}

/// One exchange, or one TCP connection, that passes the filters of a chain. The events that the proxy hands in become
/// [outputs](Self::next), perhaps later: filters hold what they wait for.
///
/// All methods take the chain that it was made for. [`close`](Self::close) has to be called at its end.
#[derive(Debug)]
pub struct Stream {
    tcp: bool,
    attributes: Arc<Attributes>,
    places: Vec<Place>,
    /// On its way: which direction, how many filters are before it on the request's way, and what.
    moving: VecDeque<(Side, usize, Piece)>,
    outputs: VecDeque<Output>,
    /// Nothing more of the request is taken.
    answered: bool,
    /// The response's headers are with the filters, or past them.
    responding: bool,
    /// The response's headers went out.
    responded: bool,
    over: bool,
    /// Responses have no body.
    head: bool,
}

impl Stream {
    /// An HTTP exchange.
    pub fn new(chain: &mut Chain, attributes: Attributes) -> Self {
        Self::with(chain, attributes, false)
    }

    /// A TCP connection. Only bodies pass: the request's is what the client sends.
    pub fn tcp(chain: &mut Chain, attributes: Attributes) -> Self {
        let mut stream = Self::with(chain, attributes, true);
        for number in 0..stream.places.len() {
            stream.enter(chain, number);
        }
        stream.carry(chain);
        stream
    }

    fn with(chain: &Chain, attributes: Attributes, tcp: bool) -> Self {
        Self {
            tcp,
            attributes: Arc::new(attributes),
            places: vec![Place::Before; chain.filters.len()],
            moving: VecDeque::new(),
            outputs: VecDeque::new(),
            answered: false,
            responding: false,
            responded: false,
            over: false,
            head: false,
        }
    }

    /// The client's headers; `end` if neither body nor trailers follow.
    pub fn request_headers(&mut self, chain: &mut Chain, headers: Headers, end: bool) {
        self.head = headers.get(":method") == Some(b"HEAD");
        self.request(chain, Piece::Headers { headers, end });
    }

    /// A part of the client's body, which may be empty at the end.
    pub fn request_body(&mut self, chain: &mut Chain, bytes: impl Into<Vec<u8>>, end: bool) {
        self.request(chain, Piece::Body { bytes: bytes.into(), end });
    }

    /// The client's trailers, which are the request's end.
    pub fn request_trailers(&mut self, chain: &mut Chain, trailers: Headers) {
        self.request(chain, Piece::Trailers(trailers));
    }

    /// The upstream's headers; `end` if neither body nor trailers follow.
    pub fn response_headers(&mut self, chain: &mut Chain, headers: Headers, end: bool) {
        self.response(chain, Piece::Headers { headers, end });
    }

    /// A part of the upstream's body, which may be empty at the end.
    pub fn response_body(&mut self, chain: &mut Chain, bytes: impl Into<Vec<u8>>, end: bool) {
        self.response(chain, Piece::Body { bytes: bytes.into(), end });
    }

    /// The upstream's trailers, which are the response's end.
    pub fn response_trailers(&mut self, chain: &mut Chain, trailers: Headers) {
        self.response(chain, Piece::Trailers(trailers));
    }

    /// The proxy answers itself, as where the upstream can't be reached. The filters that have seen the request see the
    /// answer.
    pub fn respond(&mut self, chain: &mut Chain, status: u16, body: impl Into<Vec<u8>>) {
        self.answer(chain, LocalResponse::new(status.into(), "the proxy answered", &body.into()));
        self.carry(chain);
    }

    /// A TCP connection was closed: the client's (`downstream`), or else the upstream's.
    pub fn connection_closed(&mut self, chain: &mut Chain, downstream: bool, by: Peer) {
        let side = if downstream { Side::Request } else { Side::Response };
        for (filter, place) in chain.filters.iter_mut().zip(&self.places) {
            if let Place::At(id) = place {
                filter.vm.connection_closed(*id, side, by);
            }
        }
        self.carry(chain);
    }

    /// What the proxy has to do next; `None` until more happens.
    pub fn next(&mut self, chain: &mut Chain) -> Option<Output> {
        self.carry(chain);
        self.outputs.pop_front()
    }

    /// Whether the first filter can take more of the request. If not, reading on fills what it holds, and the client is
    /// answered with 413 where that is full.
    pub fn takes_request(&self, chain: &mut Chain) -> bool {
        self.takes(chain, Side::Request)
    }

    /// The same for the response, and the last filter.
    pub fn takes_response(&self, chain: &mut Chain) -> bool {
        self.takes(chain, Side::Response)
    }

    fn takes(&self, chain: &mut Chain, side: Side) -> bool {
        self.places.iter().zip(&mut chain.filters).all(|(place, filter)| match place {
            Place::At(id) => filter.vm.context(*id).is_none_or(|context| context.half(side).takes_more()),
            Place::Before | Place::Past => true,
        })
    }

    /// Ends the stream: its filters are told, and forget it.
    pub fn close(mut self, chain: &mut Chain) {
        for (filter, place) in chain.filters.iter_mut().zip(&mut self.places) {
            if let Place::At(id) = std::mem::replace(place, Place::Past) {
                filter.close(id);
            }
        }
    }

    fn request(&mut self, chain: &mut Chain, piece: Piece) {
        if !self.answered && !self.over {
            self.moving.push_back((Side::Request, 0, piece));
            self.carry(chain);
        }
    }

    fn response(&mut self, chain: &mut Chain, piece: Piece) {
        if !self.answered && !self.over {
            self.responding = true;
            self.moving.push_back((Side::Response, self.places.len(), piece));
            self.carry(chain);
        }
    }

    /// Moves everything as far as it goes.
    fn carry(&mut self, chain: &mut Chain) {
        while !self.over {
            while let Some((side, place, piece)) = self.moving.pop_front() {
                self.pass(chain, side, place, piece);
            }
            for number in 0..self.places.len() {
                self.collect(chain, number);
            }
            if self.moving.is_empty() {
                break;
            }
        }
    }

    /// One piece comes to the next filter, or goes out.
    fn pass(&mut self, chain: &mut Chain, side: Side, place: usize, piece: Piece) {
        if self.over || (side == Side::Request && self.answered) {
            return;
        }
        let number = match side {
            Side::Request if place == self.places.len() => return self.put_request(piece),
            Side::Request => place,
            Side::Response => match place.checked_sub(1) {
                Some(number) => number,
                None => return self.put_response(piece),
            },
        };
        if side == Side::Request && self.places[number] == Place::Before {
            self.enter(chain, number);
        }
        match self.places[number] {
            // A filter that hasn't seen the request doesn't see an answer.
            Place::Before | Place::Past => self.moving.push_front((side, next(side, number), piece)),
            Place::At(id) => {
                chain.filters[number].vm.push(id, side, piece);
                self.collect(chain, number);
            }
        }
    }

    fn enter(&mut self, chain: &mut Chain, number: usize) {
        let filter = &mut chain.filters[number];
        self.places[number] = match filter.open(self.tcp, &self.attributes) {
            Ok(Some(id)) => Place::At(id),
            Ok(None) if filter.fails_open() => Place::Past,
            _ => {
                self.answer(chain, LocalResponse::new(503, "a filter has failed", b""));
                Place::Past
            }
        };
    }

    /// What a filter lets go on, and what it asks for.
    fn collect(&mut self, chain: &mut Chain, number: usize) {
        let Place::At(id) = self.places[number] else { return };
        if self.over {
            return;
        }
        let filter = &mut chain.filters[number];
        if !filter.serves(id) {
            let [request, response] = filter.release(id);
            self.places[number] = Place::Past;
            match filter.fails_open() {
                true => self.go_on(number, request, response),
                false => self.answer(chain, LocalResponse::new(503, "a filter has failed", b"")),
            }
            return;
        }
        let Some(taken) = filter.vm.take(id) else { return };
        self.go_on(number, taken.request, taken.response);
        if taken.closed {
            self.reset();
        } else if let Some(local) = taken.local {
            self.answer(chain, local);
        }
    }

    fn go_on(&mut self, number: usize, request: Vec<Piece>, response: Vec<Piece>) {
        let request = request.into_iter().map(|piece| (Side::Request, next(Side::Request, number), piece));
        let response =
            response.into_iter().map(|piece| (Side::Response, next(Side::Response, number), piece));
        self.moving.extend(request.chain(response));
    }

    /// A response of a filter or of the proxy takes the place of the upstream's.
    fn answer(&mut self, chain: &mut Chain, local: LocalResponse) {
        if self.over {
            return;
        }
        if self.tcp || self.responded {
            return self.reset();
        }
        self.answered = true;
        self.moving.clear();
        let places = self.places.iter().zip(&mut chain.filters);
        for (place, filter) in places {
            if let Place::At(id) = place
                && let Some(context) = filter.vm.context(*id)
            {
                context.request.stop();
                if self.responding {
                    context.response.stop();
                }
            }
        }
        let details = String::from_utf8_lossy(&local.details).into_owned();
        self.outputs.push_back(Output::Answered { details });
        let pieces = local.into_pieces(self.head);
        if self.responding {
            // Filters have begun with another response: they don't see this one.
            pieces.into_iter().for_each(|piece| self.put_response(piece));
            self.over = true;
        } else {
            self.responding = true;
            let all = self.places.len();
            self.moving.extend(pieces.into_iter().map(|piece| (Side::Response, all, piece)));
        }
    }

    fn reset(&mut self) {
        self.over = true;
        self.moving.clear();
        self.outputs.clear();
        self.outputs.push_back(Output::Reset);
    }

    fn put_request(&mut self, piece: Piece) {
        self.outputs.push_back(match piece {
            Piece::Headers { headers, end } => Output::RequestHeaders { headers, end },
            Piece::Body { bytes, end } => Output::RequestBody { bytes, end },
            Piece::Trailers(trailers) => Output::RequestTrailers(trailers),
        });
    }

    fn put_response(&mut self, piece: Piece) {
        self.responded = true;
        let ends = matches!(
            piece,
            Piece::Headers { end: true, .. } | Piece::Body { end: true, .. } | Piece::Trailers(_)
        );
        // What befalls filters after that is none of this exchange's business.
        self.over |= ends && !self.tcp;
        self.outputs.push_back(match piece {
            Piece::Headers { headers, end } => Output::ResponseHeaders { headers, end },
            Piece::Body { bytes, end } => Output::ResponseBody { bytes, end },
            Piece::Trailers(trailers) => Output::ResponseTrailers(trailers),
        });
    }
}

/// How many filters are before what a filter lets go on.
fn next(side: Side, number: usize) -> usize {
    match side {
        Side::Request => number + 1,
        Side::Response => number,
    }
}

impl LocalResponse {
    pub(super) fn new(status: u32, details: &str, body: &[u8]) -> Self {
        let (details, body) = (details.into(), body.to_vec());
        Self { status, details, headers: Headers::new(), body, grpc_status: -1 }
    }

    /// The response as the filters see it, in Envoy's order.
    fn into_pieces(self, head: bool) -> Vec<Piece> {
        let mut headers: Headers = [(":status", self.status.to_string())].into_iter().collect();
        headers.extend(self.headers.iter());
        if self.grpc_status >= 0 {
            headers.set("grpc-status", self.grpc_status.to_string());
        }
        if !self.body.is_empty() {
            headers.set("content-length", self.body.len().to_string());
            if headers.get("content-type").is_none() {
                headers.append("content-type", "text/plain");
            }
        }
        let end = head || self.body.is_empty();
        let mut pieces = vec![Piece::Headers { headers, end }];
        if !end {
            pieces.push(Piece::Body { bytes: self.body, end: true });
        }
        pieces
    }
}
