//! The exports of a policy's instance, and how values cross.

use dunlin::{AsContext, AsContextMut, Charge, Error, Instance, Kind, Memory, TypedFunc};

/// The bytes of a page.
const PAGE: usize = 64 << 10;

/// What a parsed value takes beside its text: a place in a collection, which may be half empty, and an allocation.
const VALUE: u64 = 128;

/// How much of a message is passed on, in bytes.
const LONGEST_MESSAGE: usize = 64 << 10;

/// A text of a policy's, and what it and its values are charged.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) charge: Charge,
}

/// An address in a policy's memory. The ABI's integers are signed, addresses aren't.
pub(super) type Address = i32;

/// A policy's instance.
#[derive(Clone)]
pub(super) struct Guest {
    instance: Instance,
    memory: Memory,
    malloc: TypedFunc<i32, Address>,
    json_parse: TypedFunc<(Address, i32), Address>,
    json_dump: TypedFunc<Address, Address>,
    value_parse: TypedFunc<(Address, i32), Address>,
    heap_ptr_get: TypedFunc<(), Address>,
    heap_ptr_set: TypedFunc<Address, ()>,
}

/// A reserved 0, the entrypoint, the data, the input's address and length, where the heap begins, and the format of the
/// results.
type EvalParams = (i32, i32, Address, Address, i32, Address, i32);

/// The exports that an evaluation needs.
#[derive(Clone)]
pub(super) enum Evaluation {
    /// Since ABI 1.2.
    AtOnce(TypedFunc<EvalParams, Address>),
    InSteps {
        new: TypedFunc<(), Address>,
        set_input: TypedFunc<(Address, Address), ()>,
        set_data: TypedFunc<(Address, Address), ()>,
        set_entrypoint: TypedFunc<(Address, i32), ()>,
        eval: TypedFunc<Address, i32>,
        get_result: TypedFunc<Address, Address>,
    },
}

impl Guest {
    /// # Errors
    /// If an export is missing or has another type.
    pub(super) fn new(
        mut store: impl AsContextMut,
        instance: Instance,
        memory: Memory,
    ) -> Result<Self, Error> {
        macro_rules! export {
            ($name:literal) => {
                instance.get_typed_func(&mut store, $name)?
            };
        }
        Ok(Self {
            memory,
            malloc: export!("opa_malloc"),
            json_parse: export!("opa_json_parse"),
            json_dump: export!("opa_json_dump"),
            value_parse: export!("opa_value_parse"),
            heap_ptr_get: export!("opa_heap_ptr_get"),
            heap_ptr_set: export!("opa_heap_ptr_set"),
            instance,
        })
    }

    /// What `builtins` or `entrypoints` returns: an object of names and numbers, as JSON.
    pub(super) fn table(&self, mut store: impl AsContextMut, export: &str) -> Result<Text, Error> {
        let table = self.instance.get_typed_func::<(), Address>(&mut store, export)?.call(&mut store, ())?;
        self.dump(store, table)
    }

    /// A value as JSON.
    pub(super) fn dump(&self, mut store: impl AsContextMut, value: Address) -> Result<Text, Error> {
        let text = self.json_dump.call(&mut store, value)?;
        self.text(store, text)
    }

    /// Makes a value of JSON. 0 if the guest can't parse it.
    pub(super) fn parse(&self, store: impl AsContextMut, json: &[u8]) -> Result<Address, Error> {
        self.parse_with(store, &self.json_parse, json)
    }

    /// Makes a value of Rego's notation, which has sets. 0 if the guest can't parse it.
    pub(super) fn parse_rego(&self, store: impl AsContextMut, text: &[u8]) -> Result<Address, Error> {
        self.parse_with(store, &self.value_parse, text)
    }

    fn parse_with(
        &self,
        mut store: impl AsContextMut,
        parse: &TypedFunc<(Address, i32), Address>,
        text: &[u8],
    ) -> Result<Address, Error> {
        let len = length(text)?;
        let at = self.malloc.call(&mut store, len)?;
        self.memory.write(&mut store, at as u32 as usize, text).map_err(Error::host)?;
        parse.call(&mut store, (at, len))
    }

    /// The bytes at `address` up to a NUL, with room in the budget for the values that they are to become.
    fn text(&self, store: impl AsContext, address: Address) -> Result<Text, Error> {
        let store = store.as_context();
        let from = self.memory.data(store).get(address as u32 as usize..).unwrap_or_default();
        let end = from.iter().position(|byte| *byte == 0);
        let bytes =
            &from[..end.ok_or_else(|| Error::msg("a text of the policy's doesn't end in its memory"))?];
        let charge = store.budget().charge(Kind::Host, parsed_size(bytes))?;
        Ok(Text { bytes: bytes.to_vec(), charge })
    }

    pub(super) fn heap(&self, store: impl AsContextMut) -> Result<Address, Error> {
        self.heap_ptr_get.call(store, ())
    }

    pub(super) fn set_heap(&self, store: impl AsContextMut, heap: Address) -> Result<(), Error> {
        self.heap_ptr_set.call(store, heap)
    }

    /// The exports that evaluate, of this minor version.
    pub(super) fn evaluation(&self, mut store: impl AsContextMut, minor: i32) -> Result<Evaluation, Error> {
        macro_rules! export {
            ($name:literal) => {
                self.instance.get_typed_func(&mut store, $name)?
            };
        }
        if minor >= 2 {
            return Ok(Evaluation::AtOnce(export!("opa_eval")));
        }
        Ok(Evaluation::InSteps {
            new: export!("opa_eval_ctx_new"),
            set_input: export!("opa_eval_ctx_set_input"),
            set_data: export!("opa_eval_ctx_set_data"),
            set_entrypoint: export!("opa_eval_ctx_set_entrypoint"),
            eval: export!("eval"),
            get_result: export!("opa_eval_ctx_get_result"),
        })
    }

    /// Evaluates, with the heap from `heap` on, and gives the results as JSON. What an earlier evaluation left on the
    /// heap is overwritten.
    pub(super) fn evaluate(
        &self,
        mut store: impl AsContextMut,
        evaluation: &Evaluation,
        (entrypoint, data, heap): (i32, Address, Address),
        input: Option<&[u8]>,
    ) -> Result<Text, Error> {
        match evaluation {
            Evaluation::AtOnce(eval) => {
                let (at, len, heap) = match input {
                    None => (0, 0, heap),
                    Some(input) => self.place(&mut store, heap, input)?,
                };
                let result = eval.call(&mut store, (0, entrypoint, data, at, len, heap, 0))?;
                self.text(store, result)
            }
            Evaluation::InSteps { new, set_input, set_data, set_entrypoint, eval, get_result } => {
                self.set_heap(&mut store, heap)?;
                let input = input.map(|input| self.parse(&mut store, input)).transpose()?;
                let context = new.call(&mut store, ())?;
                if let Some(input) = input {
                    set_input.call(&mut store, (context, input))?;
                }
                set_data.call(&mut store, (context, data))?;
                set_entrypoint.call(&mut store, (context, entrypoint))?;
                eval.call(&mut store, context)?;
                let result = get_result.call(&mut store, context)?;
                self.dump(store, result)
            }
        }
    }

    /// Writes the input where the heap begins. Returns its address, its length, and where the heap begins then.
    fn place(
        &self,
        mut store: impl AsContextMut,
        heap: Address,
        input: &[u8],
    ) -> Result<(Address, i32, Address), Error> {
        let len = length(input)?;
        let begin = heap as u32 as usize;
        let end = begin + input.len();
        let missing = end.saturating_sub(self.memory.data_size(&store)).div_ceil(PAGE);
        if missing > 0 {
            self.memory.grow(&mut store, missing as u64)?;
        }
        self.memory.write(&mut store, begin, input).map_err(Error::host)?;
        let end = u32::try_from(end).map_err(Error::host)?;
        Ok((heap, len, end as i32))
    }
}

/// What a policy says to people: the bytes at `address` up to a NUL, [`LONGEST_MESSAGE`] at most, or none if that is
/// beyond the memory.
pub(super) fn message(memory: Memory, store: impl AsContext, address: Address) -> String {
    let store = store.as_context();
    let from = memory.data(store).get(address as u32 as usize..).unwrap_or_default();
    let from = &from[..from.len().min(LONGEST_MESSAGE)];
    String::from_utf8_lossy(from.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// What values may take that are parsed from this JSON: its texts, and for each value about a hundred bytes.
fn parsed_size(json: &[u8]) -> u64 {
    let values = json.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    2 * json.len() as u64 + VALUE * values as u64
}

fn length(text: &[u8]) -> Result<i32, Error> {
    i32::try_from(text.len()).map_err(Error::host)
}
