// Mangled names, of C++: a template in a namespace, and a method.

namespace shapes {

template <typename T> struct Square {
    T side;
    __attribute__((noinline)) T area(T scale) const { return side * side / scale; }
};

} // namespace shapes

extern "C" __attribute__((export_name("area"))) int area(int scale) {
    return shapes::Square<int>{7}.area(scale);
}
