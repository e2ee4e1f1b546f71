//! The workloads: modules without imports whose `run(n: i32) -> i64` does work in proportion to `n` and returns a
//! checksum over what it computed.

/// One program, and what it must compute.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The name of the module and of its source.
    pub name: &'static str,
    /// The module.
    pub wasm: &'static [u8],
    /// The argument for measurements.
    pub n: i32,
    /// The result for `n`.
    pub result: i64,
    /// An argument for a short run, as tests want it.
    pub small_n: i32,
    /// The result for `small_n`.
    pub small_result: i64,
}

impl Workload {
    /// Whether it consists of 128-bit vector instructions for the most part.
    pub fn is_simd(&self) -> bool {
        self.name.ends_with("_simd")
    }
}

macro_rules! workload {
    ($name:literal, $n:literal => $result:literal, $small_n:literal => $small_result:literal) => {
        Workload {
            name: $name,
            wasm: include_bytes!(concat!("../workloads/wasm/", $name, ".wasm")),
            n: $n,
            result: $result,
            small_n: $small_n,
            small_result: $small_result,
        }
    };
}

/// All workloads. The results of those in C were computed by a native build too, those of the others by several
/// engines.
pub const WORKLOADS: &[Workload] = &[
    workload!("mix", 300 => 5_740_889_577_771_962_349, 3 => -1_322_049_097_653_809_683),
    workload!("recursion", 33 => -6_078_957_383_538_509_463, 12 => -6_899_034_267_738_035_718),
    workload!("sort", 40_000 => 5_936_781_434_463_084_161, 500 => -7_859_742_653_606_615_910),
    workload!("lz", 500_000 => -6_228_401_980_866_376_265, 4000 => -1_424_103_707_110_431_398),
    workload!("vm", 3000 => 1_842_631_085_902_573_766, 40 => -8_261_502_752_331_223_207),
    workload!("btree", 15_000 => 5_099_291_740_395_422_376, 600 => -1_207_281_487_954_407_510),
    workload!("trees", 4000 => -7_367_350_715_993_589_552, 20 => -2_053_426_594_076_986_179),
    workload!("mandel", 450 => -1_498_920_891_335_828_989, 24 => -4_440_206_109_845_649_003),
    workload!("counters", 40_000 => 3_385_978_022_364_935_585, 60 => -6_024_938_333_213_446_825),
    workload!("calls", 1_500_000 => 6_883_864_019_020_352_390, 2000 => 6_789_310_588_642_797_387),
    workload!("tails", 1100 => 5_536_911_792_462_804_550, 2 => 63_600_316_839_590_144),
    workload!("switches", 230 => -4_579_192_610_936_268_341, 2 => -6_587_034_130_439_752_890),
    workload!("matching", 8000 => 7_733_487_470_538_132_212, 30 => -7_880_303_732_229_803_323),
    workload!("methods", 40_000 => 1_621_543_478_327_079_804, 200 => -1_306_244_553_984_151_611),
    workload!("copies", 3200 => -4_643_713_397_169_864_651, 4 => 7_469_683_139_899_884_373),
    workload!("sha256", 350 => -7_577_444_561_659_683_072, 2 => -8_638_415_602_538_059_905),
    workload!("keccak", 160 => 4_388_255_484_684_200_187, 1 => 7_890_712_256_548_794_446),
    workload!("argon2", 8000 => -897_648_353_434_662_123, 40 => 7_257_489_880_757_101_610),
    workload!("x25519", 60 => 3_386_603_193_681_933_587, 1 => 21_459_168_487_564_199),
    workload!("nbody", 150_000 => -4_628_112_221_721_964_399, 500 => -4_628_114_374_252_149_844),
    workload!("matmul", 160 => 2_657_531_831_719_039_976, 16 => 161_251_505_634_272_448),
    workload!("matmul_simd", 320 => 1_970_388_338_408_363_969, 24 => 839_645_715_143_567_416),
    workload!("mandel_simd", 350 => -5_590_139_410_700_471_708, 16 => 4_939_700_026_623_337_444),
    workload!("chacha_simd", 200 => 1_355_655_579_487_936_846, 2 => -131_592_485_439_930_912),
    workload!("image_simd", 24 => 8_886_148_876_351_338_931, 1 => -2_359_994_440_544_263_048),
    workload!("text_simd", 240 => -4_208_960_674_577_732_173, 1 => 1_697_695_802_229_870_195),
    workload!("hashmap", 200_000 => 1_800_275_355_595_722_387, 2000 => 1_657_792_116_627_647_546),
    workload!("json", 1600 => 2_101_435_780_222_174_661, 10 => -1_177_809_872_274_349_619),
    workload!("regex", 60_000 => 8_505_918_652_398_223_549, 800 => -7_051_247_529_558_429_716),
    workload!("format", 1500 => 5_997_635_686_654_440_941, 10 => -5_195_879_884_238_158_791),
    workload!("objects", 1400 => 3_642_099_825_203_616_530, 10 => -6_405_716_934_481_047_070),
    workload!("script", 7000 => 4_221_158_579_860_915_971, 40 => 8_185_852_624_153_676_227),
];
