# postern_embed_text(LIBRARY FILE FUNCTION HEADER): postern::app::FUNCTION() gives the octets of FILE, taken in by the assembler.
function(postern_embed_text library file function header)
  set(source ${CMAKE_BINARY_DIR}/generated/${header}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT "// Made by cmake/embed.cmake.
#include \"@header@.h\"

asm(R\"(
.section .rodata
.global postern_@function@_begin
postern_@function@_begin: .incbin \"@file@\"
.global postern_@function@_end
postern_@function@_end: .byte 0
.previous
)\");
extern \"C\" {
extern const char postern_@function@_begin[];
extern const char postern_@function@_end[];
}

namespace postern::app {
std::string_view @function@() { return {postern_@function@_begin, postern_@function@_end}; }
}  // namespace postern::app
")
  target_sources(${library} PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file} SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
