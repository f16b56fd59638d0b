# postern_embed_pages(NAME FOLDER)
# Makes postern_NAME, in which web::embedded_files() is the files of FOLDER. The assembler takes them in as they are (.incbin), so
# that nothing else has to be installed and nothing is slow; a file that is changed, added or removed is noticed by the next build.
function(postern_embed_pages name folder)
  file(GLOB_RECURSE files LIST_DIRECTORIES false CONFIGURE_DEPENDS ${folder}/*)
  list(FILTER files EXCLUDE REGEX "/(README\\.md|\\.[^/]*|node_modules/.*|tests/.*)$")
  list(SORT files)
  set(rows "")
  set(octets "")
  set(declarations "")
  set(number 0)
  foreach(file IN LISTS files)
    file(RELATIVE_PATH path ${folder} ${file})
    string(APPEND octets "asm(R\"(
.section .rodata
.balign 16
.global postern_page_${number}_begin
postern_page_${number}_begin: .incbin \"${file}\"
.global postern_page_${number}_end
postern_page_${number}_end: .byte 0
.previous
)\");\n")
    string(APPEND declarations "extern const char postern_page_${number}_begin[];\nextern const char postern_page_${number}_end[];\n")
    string(APPEND rows "    {\"${path}\", {postern_page_${number}_begin, postern_page_${number}_end}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/generated/web/${name}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT "// Made by cmake/pages.cmake.
#include \"web/page_files.h\"

@octets@
extern \"C\" {
@declarations@}

namespace postern::web {
namespace {
const PageFile kFiles[] = {
@rows@};
}  // namespace

std::span<const PageFile> embedded_files() { return kFiles; }

}  // namespace postern::web
")
  add_library(postern_${name} STATIC ${source})
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${files}" SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
