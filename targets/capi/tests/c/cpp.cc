// The C++ header: typed calls, host functions that throw, errors, and that everything is freed.
#include <dunlin.hh>

#include <cstdlib>
#include <iostream>

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            std::cerr << __FILE__ << ":" << __LINE__ << ": " << #condition << "\n";                                   \
            std::exit(1);                                                                                             \
        }                                                                                                             \
    } while (0)

template <typename E, typename F>
std::string thrown(F call) {
    try {
        call();
    } catch (const E &error) {
        return error.what();
    }
    return "";
}

int main() {
    dunlin::Config config(wasm_config_new());
    dunlin_config_consume_fuel_set(config.get(), true);
    dunlin::Engine engine(std::move(config));
    auto counter = std::make_shared<int>(0);
    {
        dunlin::Linker linker(engine);
        linker.func("host", "twice", std::function<double(int32_t)>([counter](int32_t n) {
            if (n < 0)
                throw std::domain_error("no negative numbers");
            ++*counter;
            return 2.0 * n;
        }));
        linker.func("host", "nothing", std::function<void()>([] {}));
        CHECK(thrown<dunlin::Error>([&] { linker.func("host", "nothing", std::function<void()>([] {})); }) != "");
        dunlin::Module module(engine, R"((module
            (import "host" "twice" (func $twice (param i32) (result f64)))
            (import "host" "nothing" (func $nothing))
            (func (export "twice") (param i32) (result f64) (call $nothing) (call $twice (local.get 0)))
            (func (export "stop") unreachable)))");
        dunlin::Store store(engine);
        store.set_fuel(1000);
        dunlin::Instance instance = linker.instantiate(store, module);
        auto twice = instance.func<double(int32_t)>("twice");
        CHECK(twice(21) == 42.0 && *counter == 1 && store.fuel() < 1000);
        CHECK(thrown<dunlin::Error>([&] { twice(-1); }) == "no negative numbers");
        auto stop = instance.func<void()>("stop");
        try {
            stop();
            CHECK(false);
        } catch (const dunlin::Error &error) {
            CHECK(error.is_trap() && error.trap() == DUNLIN_TRAP_UNREACHABLE_CODE_REACHED);
        }
        CHECK(thrown<std::invalid_argument>([&] { instance.func<double(int64_t)>("twice"); }) != "");
        CHECK(thrown<std::out_of_range>([&] { instance.func<void()>("missing"); }) != "");
        CHECK(thrown<dunlin::Error>([&] { dunlin::Module(engine, "(module (func"); }) != "");
    }
    CHECK(counter.use_count() == 1);
}
