// The dashboard's files as they stand in the program: made of the folder dashboard/ by cmake/pages.cmake. They live as long as the
// process.
#pragma once

#include <span>
#include <string_view>

namespace postern::web {

struct PageFile {
  std::string_view name;  // below dashboard/: "index.html", "views/keys.js"
  std::string_view content;
};

// In order of their names.
std::span<const PageFile> embedded_files();

}  // namespace postern::web
