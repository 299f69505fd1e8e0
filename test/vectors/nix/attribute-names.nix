# Names as attribute sets print them: what needs quotes, what needs an escape.
map (name: { ${name} = 0; }) [
  "hello" "python3.12" "with space" "" "or" "if" "a'b" "a-b" "_x" "3d" "é" "quote\"d" "back\\slash" "dollar\${x}" "a$b" "tab\t" "new\nline" "return\r"
]
