"""What explains that `dunlin serve --filter` does something else than Envoy: see compare.py, and targets/hosts/README.md."""
import copy


def fields_grouped(exchanges):
    """Fields of one name stand where the first does: the server's map of headers has them so. What they mean is the same."""
    for exchange in exchanges:
        for message in messages(exchange):
            names = [name for name, _ in message["headers"]]
            # Where a length is 0, hyper puts it last.
            message["headers"].sort(key=lambda field: (field[0] == "content-length", names.index(field[0])))


def names_grouped(exchanges):
    """So a filter sees them, too."""
    for exchange in exchanges:
        exchange["log"] = sorted(" ".join(sorted(line.split())) for line in exchange["log"])


def length_known(exchanges):
    """A short answer whose end is there when it begins is sent with its length, and then an old client's connection stays."""
    for there, here in zip(*(exchange["client"]["responses"] for exchange in exchanges)):
        lengths = [[field for field in response.get("headers", []) if field[0] == "content-length"] for response in (there, here)]
        if not lengths[0] and lengths[1]:
            here["headers"].remove(lengths[1][0])
            for exchange in exchanges:
                exchange["client"]["stays"] = None


def trailers_announced(exchanges):
    """Only trailers that the response's header `trailer` names reach the client: hyper sends no others."""
    for exchange in exchanges:
        for response in exchange["client"]["responses"]:
            named = [value for name, value in response.get("headers", []) if name == "trailer"]
            response["trailers"] = [field for field in response.get("trailers", []) if field[0] in named]


def received_whole(exchanges):
    """A request is received whole before filters see it: one that never is doesn't come to them."""
    for exchange in exchanges:
        exchange["log"], exchange["upstream"] = [], []


def stays_after_an_answer(exchanges):
    """Envoy ends the connection after a filter's answer to a request that hasn't arrived whole; here it has."""
    there, here = exchanges
    if not there["upstream"] and not here["upstream"]:
        there["client"]["stays"] = here["client"]["stays"] = None


def next_comes_early(exchanges):
    """The next request of a connection may come to a filter before it is told that the last one is over."""
    for exchange in exchanges:
        exchange["log"].sort()


def all_answered(exchanges):
    """Envoy ends a connection after a filter's answer where more requests are there already; here they are answered, too."""
    for exchange in exchanges:
        exchange["client"]["responses"] = exchange["client"]["responses"][:1]
        exchange["client"]["stays"], exchange["upstream"], exchange["log"] = None, [], []


def parts_of_a_body(exchanges):
    """How large the parts are that a filter is told of one after the other depends on how they arrive."""
    for exchange in exchanges:
        exchange["log"] = []


def headers_of_envoy(exchanges):
    """Envoy adds headers of its own to what filters call, and to what they are answered."""
    for exchange in exchanges:
        for message in exchange["upstream"]:
            message["headers"] = [field for field in message["headers"] if not field[0].startswith("x-envoy-")]
        exchange["log"] = [line for line in exchange["log"] if " x-envoy-" not in line]


def length_of_a_call(exchanges):
    """Envoy sends a filter's call with the length that the filter says, and waits for ever where that isn't the body's."""
    there, here = exchanges
    if any("error" in response for response in there["client"]["responses"]):
        there.clear()
        here.clear()


def head_held_back(exchanges):
    """The head of an answer is held back for a moment: where it is cut short by then, the client is told by a status."""
    for exchange in exchanges:
        exchange["client"] = None


def asked_again(exchanges):
    """Where a connection that was used before ends without an answer, what changes nothing is sent again."""
    for exchange in exchanges:
        messages = exchange["upstream"]
        exchange["upstream"] = [message for at, message in enumerate(messages) if at == 0 or message != messages[at - 1]]


# The reasons, and the shapes that they hold for; for all where it is None. The earlier ones explain less.
EXPLAINED = [
    (fields_grouped, None),
    (length_known, None),
    (names_grouped, ["repeated headers"]),
    (trailers_announced, ["trailers"]),
    (stays_after_an_answer, None),
    (received_whole, ["client closes early"]),
    (next_comes_early, ["pipelined"]),
    (all_answered, ["pipelined"]),
    (parts_of_a_body, ["body in two parts", "chunked megabyte"]),
    (headers_of_envoy, None),
    (asked_again, ["upstream hangs up"]),
    (length_of_a_call, None),
    (head_held_back, ["upstream is cut short"]),
]


def messages(exchange):
    return [message for message in (exchange["client"] or {}).get("responses", []) + exchange["upstream"] if "headers" in message]


def explanation(shape, there, here):
    """The reasons that make both alike, or None."""
    exchanges, reasons = copy.deepcopy([there, here]), []
    for reason, shapes in EXPLAINED:
        if exchanges[0] != exchanges[1] and (shapes is None or shape in shapes):
            before = copy.deepcopy(exchanges)
            reason(exchanges)
            # What changed both alike explains nothing.
            if [exchanges[0][part] == exchanges[1].get(part) for part in exchanges[0]] != [before[0][part] == before[1][part] for part in before[0]]:
                reasons.append(reason.__name__.replace("_", " "))
    return reasons if exchanges[0] == exchanges[1] else None
