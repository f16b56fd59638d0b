// docs/sandbox.md shows the catalogue that the code has.
#include "sandbox/scenario_catalog.h"

#include <fstream>
#include <sstream>

namespace postern::sandbox {
namespace {

TEST(SandboxDocs, ShowTheCatalogueOfTheCode) {
  std::ifstream file(std::string(POSTERN_SOURCE_DIR) + "/docs/sandbox.md");
  ASSERT_TRUE(file) << "docs/sandbox.md cannot be read";
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), ::testing::HasSubstr("\n\n" + catalog_markdown() + "\n"))
      << "put the table that catalog_markdown() makes into docs/sandbox.md";
}

}  // namespace
}  // namespace postern::sandbox
