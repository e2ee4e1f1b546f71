use crate::demangle::demangle;
use dunlin::ProfileFrame;

/// What a profile shows for a frame: a function's demangled name, or what stands for more or less than one function.
pub(crate) fn name(frame: &ProfileFrame<'_>) -> String {
    match *frame {
        ProfileFrame::Function { module, func_index, .. } => match module.func_name(func_index) {
            Some(name) => demangle(name),
            None => format!("func[{func_index}]"),
        },
        ProfileFrame::Omitted => "...".into(),
        ProfileFrame::Unsampled => "[unsampled]".into(),
        _ => "[other]".into(),
    }
}
