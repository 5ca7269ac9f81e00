"""The style sheet of the pages. They load nothing else."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """\
:root {
  color-scheme: light dark;
  --ground: #fdfdfc; --panel: #f4f3f0; --line: #dedbd4; --text: #23211e; --quiet: #6b675f; --link: #1257a8;
  --get: #1f6f43; --post: #8a4b08; --delete: #a32020; --code: #efede8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #181715; --panel: #201f1c; --line: #35332e; --text: #e6e2da; --quiet: #a29c90; --link: #8ab8f2;
    --get: #7fd3a3; --post: #f0b46c; --delete: #f19090; --code: #2a2824;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; font-size: .9em; }
code { background: var(--code); border-radius: .25em; padding: .1em .3em; overflow-wrap: anywhere; }
pre { background: var(--code); border-radius: .4em; padding: .8em 1em; overflow-x: auto; line-height: 1.4; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .5rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 0; font-weight: 600; }
p { margin: .5rem 0; }
.quiet { color: var(--quiet); }
.page { display: grid; grid-template-columns: 19rem minmax(0, 52rem); gap: 3rem; max-width: 78rem; margin: 0 auto;
  padding: 0 1.5rem; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 2rem 0; font-size: .875rem; }
nav h2 { font-size: .8rem; margin: 1.2rem 0 .2rem; border: 0; color: var(--quiet); text-transform: uppercase;
  letter-spacing: .04em; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: .15rem 0; overflow-wrap: anywhere; }
nav .verb { min-width: 3.6em; }
main { padding: 2rem 0 6rem; min-width: 0; }
.plain { max-width: 44rem; margin: 0 auto; padding: 3rem 1.5rem; }
.operation { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: 1rem 1.2rem;
  background: var(--panel); scroll-margin-top: 1rem; }
.operation:target { border-color: var(--link); }
.path { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .92rem; font-weight: 600;
  overflow-wrap: anywhere; }
.verb { display: inline-block; font: 700 .75em ui-monospace, Menlo, Consolas, monospace; min-width: 4.2em;
  color: var(--quiet); }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0; }
th { text-align: left; font-weight: 600; color: var(--quiet); font-size: .8rem; }
th, td { padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child th { border-top: 0; }
td:first-child { white-space: nowrap; }
.must { color: var(--delete); font-size: .8em; }
details { margin: .5rem 0 0; }
summary { cursor: pointer; color: var(--quiet); font-size: .9rem; }
@media (max-width: 60rem) {
  .page { display: block; }
  nav { position: static; height: auto; padding-bottom: 0; }
  td:first-child { white-space: normal; }
}
"""
