//! A small scripting language: its text is cut into tokens, parsed into a tree, and the tree is walked.

#[path = "bench.rs"]
mod bench;

use bench::mix;
use std::collections::HashMap;
use std::rc::Rc;

const PROGRAM: &str = r#"
fn gcd(a, b) { while b != 0 { let t = a % b; a = b; b = t; } return a; }
fn power(base, exponent, modulus) {
    let result = 1;
    while exponent > 0 {
        if exponent % 2 == 1 { result = result * base % modulus; }
        base = base * base % modulus;
        exponent = exponent / 2;
    }
    return result;
}
fn queens(row, columns, left, right, size) {
    if row == size { return 1; }
    let count = 0;
    let column = 0;
    while column < size {
        if columns[column] + left[row + column] + right[row - column + size] == 0 {
            columns[column] = 1; left[row + column] = 1; right[row - column + size] = 1;
            count = count + queens(row + 1, columns, left, right, size);
            columns[column] = 0; left[row + column] = 0; right[row - column + size] = 0;
        }
        column = column + 1;
    }
    return count;
}
fn main(n) {
    let sum = 0;
    let i = 1;
    while i < n {
        sum = sum + gcd(i * 12, n + 30) + power(i, 17, 9973);
        if i % 3 == 0 { sum = sum + 1; } else { sum = sum - 1; }
        i = i + 1;
    }
    return sum * 100 + queens(0, list(5), list(16), list(16), 5);
}
"#;

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Name(String),
    Number(i64),
    Sign(&'static str),
}

const SIGNS: [&str; 21] = [
    "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")", "{", "}", "[", "]", ",", ";", "!",
];

fn tokens(mut text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    loop {
        text = text.trim_start();
        let Some(first) = text.chars().next() else { return tokens };
        let end = |test: fn(char) -> bool| text.find(|c| !test(c)).unwrap_or(text.len());
        let length = if first.is_ascii_digit() {
            let length = end(|c| c.is_ascii_digit());
            tokens.push(Token::Number(text[..length].parse().unwrap()));
            length
        } else if first.is_ascii_alphabetic() {
            let length = end(|c| c.is_ascii_alphanumeric());
            tokens.push(Token::Name(text[..length].to_string()));
            length
        } else {
            let sign = SIGNS.iter().find(|sign| text.starts_with(**sign)).unwrap();
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        text = &text[length..];
    }
}

enum Expr {
    Number(i64),
    Local(usize),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    Index(Box<Expr>, Box<Expr>),
}

enum Stmt {
    Assign(usize, Expr),
    Store(Expr, Expr, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    While(Expr, Vec<Stmt>),
    Return(Expr),
}

struct Function {
    locals: usize,
    body: Vec<Stmt>,
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    locals: Vec<String>,
}

impl Parser {
    fn next(&mut self) -> Token {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }

    fn is(&mut self, sign: &str) -> bool {
        let is = match self.tokens.get(self.at) {
            Some(Token::Sign(found)) => *found == sign,
            Some(Token::Name(found)) => found == sign,
            _ => false,
        };
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &str) {
        assert!(self.is(sign));
    }

    fn name(&mut self) -> String {
        let Token::Name(name) = self.next() else { panic!() };
        name
    }

    fn local(&mut self, name: String) -> usize {
        self.locals.iter().position(|local| *local == name).unwrap_or_else(|| {
            self.locals.push(name);
            self.locals.len() - 1
        })
    }

    fn functions(mut self) -> HashMap<String, Rc<Function>> {
        let mut functions = HashMap::new();
        while self.at < self.tokens.len() {
            self.expect("fn");
            let name = self.name();
            self.locals.clear();
            self.expect("(");
            while !self.is(")") {
                let parameter = self.name();
                self.local(parameter);
                self.is(",");
            }
            let body = self.block();
            functions.insert(name, Rc::new(Function { locals: self.locals.len(), body }));
        }
        functions
    }

    fn block(&mut self) -> Vec<Stmt> {
        self.expect("{");
        let mut stmts = Vec::new();
        while !self.is("}") {
            stmts.push(self.stmt());
        }
        stmts
    }

    fn stmt(&mut self) -> Stmt {
        if self.is("while") {
            let condition = self.expr(0);
            return Stmt::While(condition, self.block());
        }
        if self.is("if") {
            let condition = self.expr(0);
            let then = self.block();
            let other = if self.is("else") { self.block() } else { Vec::new() };
            return Stmt::If(condition, then, other);
        }
        let stmt = if self.is("return") {
            Stmt::Return(self.expr(0))
        } else {
            self.is("let");
            let name = self.name();
            let local = self.local(name);
            if self.is("[") {
                let index = self.expr(0);
                self.expect("]");
                self.expect("=");
                Stmt::Store(Expr::Local(local), index, self.expr(0))
            } else {
                self.expect("=");
                Stmt::Assign(local, self.expr(0))
            }
        };
        self.expect(";");
        stmt
    }

    fn expr(&mut self, level: usize) -> Expr {
        const LEVELS: [&[&str]; 3] = [&["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];
        let Some(&signs) = LEVELS.get(level) else { return self.term() };
        let mut left = self.expr(level + 1);
        while let Some(sign) = signs.iter().find(|sign| self.is(sign)) {
            left = Expr::Binary(sign, Box::new(left), Box::new(self.expr(level + 1)));
        }
        left
    }

    fn term(&mut self) -> Expr {
        let mut expr = match self.next() {
            Token::Number(value) => Expr::Number(value),
            Token::Sign("(") => {
                let expr = self.expr(0);
                self.expect(")");
                expr
            }
            Token::Name(name) => {
                if self.is("(") {
                    let mut arguments = Vec::new();
                    while !self.is(")") {
                        arguments.push(self.expr(0));
                        self.is(",");
                    }
                    Expr::Call(name, arguments)
                } else {
                    Expr::Local(self.local(name))
                }
            }
            token => panic!("{token:?}"),
        };
        while self.is("[") {
            expr = Expr::Index(Box::new(expr), Box::new(self.expr(0)));
            self.expect("]");
        }
        expr
    }
}

#[derive(Clone)]
enum Value {
    Number(i64),
    List(Rc<std::cell::RefCell<Vec<i64>>>),
}

impl Value {
    fn number(self) -> i64 {
        let Value::Number(value) = self else { panic!("a number is expected") };
        value
    }
}

struct Interpreter {
    functions: HashMap<String, Rc<Function>>,
    steps: u64,
}

impl Interpreter {
    fn call(&mut self, name: &str, arguments: Vec<Value>) -> Value {
        if name == "list" {
            let size = arguments[0].clone().number();
            return Value::List(Rc::new(vec![0; size as usize].into()));
        }
        let function = self.functions[name].clone();
        let mut locals = arguments;
        locals.resize(function.locals, Value::Number(0));
        self.block(&function.body, &mut locals).unwrap_or(Value::Number(0))
    }

    fn block(&mut self, stmts: &[Stmt], locals: &mut Vec<Value>) -> Option<Value> {
        for stmt in stmts {
            self.steps += 1;
            match stmt {
                Stmt::Assign(local, expr) => locals[*local] = self.eval(expr, locals),
                Stmt::Store(list, index, expr) => {
                    let value = self.eval(expr, locals).number();
                    let index = self.eval(index, locals).number();
                    let Value::List(list) = self.eval(list, locals) else { panic!("a list is expected") };
                    list.borrow_mut()[index as usize] = value;
                }
                Stmt::If(condition, then, other) => {
                    let branch = if self.eval(condition, locals).number() != 0 { then } else { other };
                    if let Some(value) = self.block(branch, locals) {
                        return Some(value);
                    }
                }
                Stmt::While(condition, body) => {
                    while self.eval(condition, locals).number() != 0 {
                        if let Some(value) = self.block(body, locals) {
                            return Some(value);
                        }
                    }
                }
                Stmt::Return(expr) => return Some(self.eval(expr, locals)),
            }
        }
        None
    }

    fn eval(&mut self, expr: &Expr, locals: &mut Vec<Value>) -> Value {
        Value::Number(match expr {
            Expr::Number(value) => *value,
            Expr::Local(local) => return locals[*local].clone(),
            Expr::Call(name, arguments) => {
                let arguments = arguments.iter().map(|argument| self.eval(argument, locals)).collect();
                return self.call(name, arguments);
            }
            Expr::Index(list, index) => {
                let Value::List(list) = self.eval(list, locals) else { panic!("a list is expected") };
                let index = self.eval(index, locals).number();
                list.borrow()[index as usize]
            }
            Expr::Binary(sign, left, right) => {
                let (x, y) = (self.eval(left, locals).number(), self.eval(right, locals).number());
                match *sign {
                    "+" => x.wrapping_add(y),
                    "-" => x.wrapping_sub(y),
                    "*" => x.wrapping_mul(y),
                    "/" => x / y,
                    "%" => x % y,
                    "==" => (x == y).into(),
                    "!=" => (x != y).into(),
                    "<" => (x < y).into(),
                    ">" => (x > y).into(),
                    "<=" => (x <= y).into(),
                    _ => (x >= y).into(),
                }
            }
        })
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    let functions = Parser { tokens: tokens(PROGRAM), at: 0, locals: Vec::new() }.functions();
    let mut interpreter = Interpreter { functions, steps: 0 };
    let result = interpreter.call("main", vec![Value::Number(n.into())]).number();
    mix(mix(0, result as u64), interpreter.steps) as i64
}
