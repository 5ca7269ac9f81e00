"""What a caller asks to run: splitting, shell syntax, names."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.words.command import Command, check_name, default_name, free_name, parse_command
from persistproc_core.daemon.words.names import MAX_NAME
from persistproc_core.errors import InvalidParams

DIRECT = [
    ("npm run dev", ["npm", "run", "dev"]),
    ("  npm   run\tdev \n", ["npm", "run", "dev"]),
    ("npm run dev\r\n", ["npm", "run", "dev"]),
    ("echo 'a  b'", ["echo", "a  b"]),
    (
        "echo 'a && b | c; $X `d` > e * ? [f] ~ # (g) {h,i} \\ \"'",
        ["echo", 'a && b | c; $X `d` > e * ? [f] ~ # (g) {h,i} \\ "'],
    ),
    ("echo 'two\nlines'", ["echo", "two\nlines"]),
    ("echo \"a && b | c; > * ? [d] ~ # (e) {f,g} 'h'\"", ["echo", "a && b | c; > * ? [d] ~ # (e) {f,g} 'h'"]),
    (r'echo "\$X \` \" \\ \n \a"', ["echo", r"$X ` " + '" ' + r"\ \n \a"]),
    (r"echo a\ b \$X \* \; \' \" \\ \~ \#", ["echo", "a b", "$X", "*", ";", "'", '"', "\\", "~", "#"]),
    ("echo a\\ ", ["echo", "a "]),
    ("echo ''", ["echo", ""]),
    ('echo "" a""b', ["echo", "", "ab"]),
    (
        "echo a~b a#b x=1 --opt=val a:b @c %d +e ,f ^g ]",
        ["echo", "a~b", "a#b", "x=1", "--opt=val", "a:b", "@c", "%d", "+e", ",f", "^g", "]"],
    ),
    ("find . -name x -exec echo {} +", ["find", ".", "-name", "x", "-exec", "echo", "{}", "+"]),
    ("git show HEAD@{1}", ["git", "show", "HEAD@{1}"]),
    ("'FOO=1' x", ["FOO=1", "x"]),
    ('"FOO"=1 x', ["FOO=1", "x"]),
    ("1FOO=1 x", ["1FOO=1", "x"]),
    ("./cd x", ["./cd", "x"]),
    ("echo cd if ! source", ["echo", "cd", "if", "!", "source"]),
    ("env FOO=1 x", ["env", "FOO=1", "x"]),
    ("echo -e x", ["echo", "-e", "x"]),
    ("test -f x", ["test", "-f", "x"]),
    ("python -m http.server 8080", ["python", "-m", "http.server", "8080"]),
    ("grün héllo 日本 😀", ["grün", "héllo", "日本", "😀"]),
    ("a\u00a0b", ["a\u00a0b"]),
]

SHELL = [
    "a && b",
    "a || b",
    "a | b",
    "a; b",
    "a;b",
    "a &",
    "a > b",
    "a 2>&1",
    "a < b",
    "a << E\nE",
    "echo $HOME",
    'echo "$HOME"',
    "echo $(date)",
    "echo `date`",
    'echo "`date`"',
    "echo *.py",
    "echo a?",
    "echo [ab]",
    "[ -f x ]",
    "echo ~",
    "echo ~/x",
    "~/bin/x",
    "echo a # comment",
    "# comment",
    "(a)",
    "{ a; }",
    "echo {a,b}",
    "echo {1..3}",
    "FOO=1 x",
    "FOO= x",
    "_f1='a b' x",
    "PATH+=:x y",
    "FOO=1",
    "a\nb",
    "a \\\n b",
    "! a",
    "curl http://x/?a=1",
    "cd x",
    ". ./x",
    ": x",
    "eval x",
    "exec x",
    "export A=1",
    "for",
    "if",
    "set -e",
    "source x",
    "time x",
    "trap x 1",
    "type x",
    "ulimit -n 4",
    "umask 0",
    "while",
    "command x",
    "read x",
    "wait",
]


@pytest.mark.parametrize(("text", "argv"), DIRECT)
def test_without_shell_syntax_it_is_split_and_executed(text: str, argv: list[str]) -> None:
    command = parse_command(text)

    assert list(command.argv) == argv
    assert not command.shell


@pytest.mark.parametrize("text", SHELL)
def test_with_shell_syntax_it_runs_under_sh(text: str) -> None:
    assert parse_command(text) == Command(("/bin/sh", "-c", text), True, text)


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a 'b\"", 'a "b\\"', "$X 'b", "a && 'b"])
def test_an_unbalanced_quote_is_told(text: str) -> None:
    with pytest.raises(InvalidParams, match="unbalanced"):
        parse_command(text)


@pytest.mark.parametrize("command", ["", "  \n", [], [""], ["", "x"], "'' x", '""'])
def test_nothing_to_execute_is_refused(command: str | list[str]) -> None:
    with pytest.raises(InvalidParams, match="empty"):
        parse_command(command)


@pytest.mark.parametrize("command", ["a\0b", ["a", "b\0"], "a && b\0", "a \ud800", ["\udfff"]])
def test_what_no_program_can_be_given_is_refused(command: str | list[str]) -> None:
    with pytest.raises(InvalidParams):
        parse_command(command)


def test_a_backslash_at_the_end_is_refused() -> None:
    with pytest.raises(InvalidParams, match="backslash"):
        parse_command("a b\\")


def test_a_list_is_executed_as_it_is() -> None:
    argv = ["sh", "-c", 'echo "a  b" $X; sleep 1', "", "~", "*", "\udcff"]

    command = parse_command(argv)

    assert list(command.argv) == argv
    assert not command.shell
    assert shlex.split(command.text) == argv


def test_the_same_command_in_two_spellings_is_the_same() -> None:
    assert parse_command("npm  run 'dev'").argv == parse_command(["npm", "run", "dev"]).argv


def test_the_text_is_kept_without_blanks_around_it() -> None:
    assert parse_command(" a  &&\tb \n").text == "a  &&\tb"
    assert parse_command("a && b\\ ").argv[2] == "a && b\\ "


SYNTAX = st.sampled_from([*"ab c\t'\"\\$`*?[]~#(){},.=;&|<>!-1\n\r=é", "cd", "''", '""', "\\ ", "~/", "X="])


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(st.lists(SYNTAX, min_size=1, max_size=12).map("".join), min_size=40, max_size=40))
def test_the_words_are_those_of_the_shell(texts: list[str]) -> None:
    """Whatever is executed without a shell gets exactly the arguments that /bin/sh would give it."""
    commands = [command for command in map(_parsed, texts) if command is not None and not command.shell]
    # `w` prints its arguments; one shell takes all lines, as starting one for each would take minutes.
    script = "w() { for a; do printf '%s\\0' \"$a\"; done; printf '\\n\\0'; }\n"
    script += "".join(f"w {command.text}\n" for command in commands if "\r" not in command.text)

    out = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, encoding="utf-8").stdout

    expected = [[*command.argv, "\n"] for command in commands if "\r" not in command.text]
    assert out == "".join(word + "\0" for words in expected for word in words)


def _parsed(text: str) -> Command | None:
    try:
        return parse_command(text)
    except InvalidParams:
        return None


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_a_quoted_list_comes_back_byte_for_byte(argv: list[str]) -> None:
    if argv[0]:
        parsed = parse_command(shlex.join(argv))
        assert parsed.shell or list(parsed.argv) == argv


# --- names --------------------------------------------------------------------------------------------------------

NAMES = [
    ("npm run dev", "dev"),
    ("npm start", "start"),
    ("npm test -- --watch", "test"),
    ("npm run build:watch", "build:watch"),
    ("npm --prefix web run dev -- --port 3000", "dev"),
    ("npm run -w web dev", "dev"),
    ("npm", "npm"),
    ("npm exec vite", "vite"),
    ("pnpm dev", "dev"),
    ("pnpm run dev", "dev"),
    ("pnpm --filter web dev", "dev"),
    ("pnpm exec vite --host", "vite"),
    ("pnpm dlx serve", "serve"),
    ("yarn dev", "dev"),
    ("yarn workspace web dev", "dev"),
    ("yarn", "yarn"),
    ("bun run dev", "dev"),
    ("bun src/index.ts", "index"),
    ("bunx vite", "vite"),
    ("npx vite@latest --port 1", "vite"),
    ("npx --yes @scope/tool@1.2", "tool"),
    ("npx -p pkg tool", "tool"),
    ("deno task dev", "dev"),
    ("python -m http.server 8080", "http.server"),
    ("python3 -m uvicorn app:app --reload", "uvicorn"),
    ("python3.12 -u -m pkg.__main__", "pkg"),
    ("python -W error app.py", "app"),
    ("python manage.py runserver", "runserver"),
    ("python ./scripts/worker.py --all", "worker"),
    ("python -c 'print(1)'", "python"),
    ("python .", "python"),
    ("/usr/bin/python3 /a/b/server.py", "server"),
    ("node server.js", "server"),
    ("node --watch -r dotenv/config dist/main.mjs", "main"),
    ("node -e 1", "node"),
    ("tsx watch src/app.ts", "watch"),
    ("ruby app.rb", "app"),
    ("php artisan serve", "serve"),
    ("php -S localhost:8000 router.php", "router"),
    ("bin/rails server", "server"),
    ("bundle exec rails s", "s"),
    ("bundle exec puma", "puma"),
    ("java -jar build/libs/api-1.0.jar", "api-1.0"),
    ("java -cp x com.example.Main", "com.example.Main"),
    ("bash run.sh", "run"),
    ("./run.sh", "run"),
    ("sh -c 'npm run dev'", "dev"),
    ("bash -lc 'cd x && exec uvicorn app:app'", "uvicorn"),
    ("make serve", "serve"),
    ("make -C web -j 4 dev", "dev"),
    ("make -j4 V=1 dev", "dev"),
    ("make", "make"),
    ("just dev", "dev"),
    ("./gradlew bootRun", "bootRun"),
    ("uv run uvicorn app:app", "uvicorn"),
    ("uv run --with x python app.py", "app"),
    ("uv run -m flask run", "flask"),
    ("uv run manage.py runserver", "runserver"),
    ("uv sync", "uv"),
    ("poetry run flask run", "flask"),
    ("uvx --from x tool", "tool"),
    ("docker compose up", "compose"),
    ("docker-compose up -d", "compose"),
    ("docker run x", "docker"),
    ("go run ./cmd/api", "api"),
    ("go run .", "go"),
    ("go run main.go", "main"),
    ("cargo run", "cargo"),
    ("turbo run dev", "dev"),
    ("uvicorn app:app", "uvicorn"),
    ("/usr/local/bin/redis-server", "redis-server"),
    ("env A=1 B=2 npm run dev", "dev"),
    ("nohup nice -n 5 ./serve --x", "serve"),
    ("timeout -k 1 10 ./serve", "serve"),
    ("cross-env NODE_ENV=dev webpack", "webpack"),
    ("env", "env"),
    ("sleep 100", "sleep"),
    ("FOO=1 npm run dev", "dev"),
    ("cd web && npm run dev", "dev"),
    ("cd web; FOO=1 exec ./server > log 2>&1", "server"),
    ("export A=1; python app.py | tee log", "app"),
    ("echo a > b; serve", "serve"),
    ("while true; do date; done", "date"),
    ("(cd x && make dev)", "dev"),
    ("exec tail -f x | cat", "tail"),
    ("make > log", "make"),
    ("$HOME/bin/api --x", "api"),
    ("echo hi; sleep 5", "echo"),
    ("trap '' TERM", "trap"),
    ("# nothing", "process"),
    ("./8080", "process-8080"),
    ("./-x", "x"),
    ("./.hidden", "hidden"),
    ("'./my tool (1)'", "my-tool-1"),
    ("./сервер", "сервер"),
    ("./" + "long" * 40, "long" * 16),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_a_command_is_named_as_a_person_would(text: str, name: str) -> None:
    assert default_name(parse_command(text)) == name


@given(st.text(min_size=1) | st.lists(st.text(), min_size=1))
def test_a_default_name_is_always_valid(command: str | list[str]) -> None:
    try:
        parsed = parse_command(command)
    except InvalidParams:
        return
    name = default_name(parsed)
    assert check_name(name) == name


@given(
    st.lists(st.sampled_from(["npm", "run", "-m", "-c", "python", "uv", "env", "A=1", "--", "-", "sh", "exec", "-r"]))
)
def test_a_default_name_never_fails_on_known_words(words: list[str]) -> None:
    assert check_name(default_name(parse_command(["node", *words])))
    assert check_name(default_name(parse_command(["env", *words])))


@pytest.mark.parametrize(
    "name", ["web", "a", "9a", "_x", "a.b_c:d@e+f-g", "сервер", "サーバー", "हिन्दी", "x" * 64, "1.2", "@web"]
)
def test_a_good_name_is_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("x" * 65, "longer"),
        ("\U00010428" * 64, "bytes"),
        ("a b", "' '"),
        ("a/b", "'/'"),
        ("..", "starts"),
        (".x", "starts"),
        ("-x", "starts"),
        ("123", "pid"),
        ("١٢٣", "pid"),
        ("a\n", "holds"),
        ("a\0", "holds"),
        ("a\u202eb", "holds"),
        ("a\ud800", "holds"),
        ("😀", "holds"),
        ("\u0301a", "combining"),
        ("a*", "holds"),
    ],
)
def test_a_bad_name_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        check_name(name)

    assert why in caught.value.message
    assert caught.value.hint


def test_two_spellings_of_a_letter_are_one_name() -> None:
    assert check_name("cafe\u0301") == check_name("caf\u00e9")


def test_a_taken_name_gets_a_number() -> None:
    assert free_name("web", set()) == "web"
    assert free_name("web", {"web"}) == "web-2"
    assert free_name("web", {"web", "web-2", "web-3"}) == "web-4"


def test_a_numbered_name_is_not_too_long() -> None:
    long = "x" * MAX_NAME

    name = free_name(long, {long})

    assert len(name) == MAX_NAME
    assert name.endswith("x-2")


def test_a_name_fits_into_a_file_name() -> None:
    wide = default_name(parse_command(["./" + "\U00010428" * 80]))

    assert len(os.fsencode(free_name(wide, {wide}))) <= 200


def test_a_program_of_a_hundred_thousand_digits_takes_no_time() -> None:
    # Tried from each digit on, it would take minutes of the daemon's event loop.
    assert default_name(parse_command(["9" * 100_000 + "x"])).startswith("process-999")
