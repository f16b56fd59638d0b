# Flags, packages and the three functions that every folder's CMakeLists.txt uses.
# All flags are global on purpose: targets can then share two precompiled headers.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
if(POSTERN_SANITIZE OR POSTERN_FUZZ)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

# Twelve files of a target are one unit for the compiler: a third of the CPU time, since headers and templates are what costs.
# Names in anonymous namespaces must therefore differ within a folder; `tidy` builds file by file and finds what lacks an include.
set(CMAKE_UNITY_BUILD ON CACHE BOOL "Compile several files of a target as one")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)

find_program(POSTERN_MOLD mold)
if(POSTERN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_program(POSTERN_CCACHE ccache)
if(POSTERN_CCACHE)
  # Precompiled headers need these to be cacheable at all (ccache manual, "Precompiled headers").
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${POSTERN_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(spdlog REQUIRED)
find_package(EXPAT 2.5 REQUIRED)
find_package(ZLIB 1.2.13 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(GMIME REQUIRED IMPORTED_TARGET gmime-3.0)
pkg_check_modules(OPENDKIM REQUIRED IMPORTED_TARGET opendkim)
pkg_check_modules(JWT REQUIRED IMPORTED_TARGET libjwt)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
# By name: libunbound's pkg-config file wants packages that its -dev package does not bring, and prometheus-cpp's brings macros
# that the precompiled headers do not have.
find_library(POSTERN_UNBOUND unbound REQUIRED)
# Its pkg-config file asks for -pthread, which the precompiled header was not made with.
find_library(POSTERN_RE2 re2 REQUIRED)
find_library(POSTERN_PROMETHEUS prometheus-cpp-core REQUIRED)

add_compile_definitions(
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED
  BOOST_BEAST_SEPARATE_COMPILATION
  SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB SPDLOG_FMT_EXTERNAL)
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fdiagnostics-color=auto $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Meant for anonymous types in headers; GCC takes every file of a unit for one.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()
if(POSTERN_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # What an operator expects of a network daemon; the cost is not measurable here.
  add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
if(POSTERN_SANITIZE)
  add_compile_options(-fsanitize=${POSTERN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POSTERN_SANITIZE})
  if(POSTERN_SANITIZE MATCHES "undefined" AND NOT POSTERN_SANITIZE_ACCESSES)
    # Four checks at each access to memory, two fifths of the compiler's time: a null pointer faults without them, AddressSanitizer
    # sees what lies outside an object, and `scripts/torture undefined` has them all.
    add_compile_options(-fno-sanitize=null,alignment,object-size,vptr)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12's flow analysis sees faults in instrumented code where there are none (strings joined, coroutine frames freed);
    # the plain builds keep these warnings.
    add_compile_options(-Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-tsan -Wno-array-bounds
                        -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  endif()
endif()
if(POSTERN_FUZZ AND NOT CMAKE_CXX_COMPILER MATCHES "/afl-")
  # The libraries are instrumented for coverage; the targets bring libFuzzer's main. AFL++'s compiler instruments by itself.
  add_compile_options(-fsanitize=fuzzer-no-link,address -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address)
endif()
if(POSTERN_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

# postern_library(NAME SOURCES a.cc b.cc [LINK lib ...] [ASIO])
# Makes postern_NAME. ASIO: its files include Asio, so it shares the Asio precompiled header.
function(postern_library name)
  cmake_parse_arguments(arg "ASIO" "" "SOURCES;LINK" ${ARGN})
  add_library(postern_${name} STATIC ${arg_SOURCES})
  target_link_libraries(postern_${name} PUBLIC ${arg_LINK})
  if(arg_ASIO)
    target_precompile_headers(postern_${name} REUSE_FROM postern_asio)
  else()
    target_precompile_headers(postern_${name} REUSE_FROM postern_std)
  endif()
endfunction()

# postern_tests(NAME SOURCES a_test.cc ... [LINK lib ...] [LABELS l ...])
# Makes the executable NAME_test and registers it. Every test file must be named: tests/lint checks it. What has the label
# "threads" is built by the target thread_tests.
add_custom_target(thread_tests)
function(postern_tests name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${arg_LINK} postern_test_support GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name}_test REUSE_FROM postern_test_support)
  add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 600)
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(thread_tests ${name}_test)
  endif()
endfunction()

# The two precompiled headers, and the separately compiled halves of Asio and Beast.
file(WRITE ${CMAKE_BINARY_DIR}/generated/empty.cc "")
add_library(postern_std STATIC ${CMAKE_BINARY_DIR}/generated/empty.cc)
target_precompile_headers(postern_std PRIVATE
  <algorithm> <array> <atomic> <chrono> <cstddef> <cstdint> <functional> <map> <memory> <mutex>
  <optional> <span> <string> <string_view> <utility> <variant> <vector> <boost/system/result.hpp>)
