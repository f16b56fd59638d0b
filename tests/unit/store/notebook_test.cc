#include "store/notebook.h"

#include <gtest/gtest.h>

#include <stdlib.h>

namespace postern::store {
namespace {

TEST(Notebook, KeepsWhatWasPutOverItsEnd) {
  std::string folder = (std::filesystem::temp_directory_path() / "postern-notebook-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    auto notebook = Notebook::open(folder).value();
    notebook->put_later(NotebookTable::StsPolicies, "b 2", "policy");
    notebook->put_later(NotebookTable::StsPolicies, "b 3", "gone");
    notebook->erase_later(NotebookTable::StsPolicies, "b 3");
    notebook->put_later(NotebookTable::StsPolicies, std::string(501, 'k'), "never there");
    notebook->put_later(NotebookTable::StsPolicies, "b 2", "newer policy");
    notebook->put_later(NotebookTable::TlsResults, "2026-11-29 a.example", "old");
    notebook->put_later(NotebookTable::TlsResults, "2026-11-30 a.example", "new");
    notebook->erase_prefix_later(NotebookTable::TlsResults, "2026-11-29");
  }
  const auto notebook = Notebook::open(folder).value();
  EXPECT_EQ(notebook->find(NotebookTable::StsPolicies, "b 2").value(), "newer policy");
  EXPECT_EQ(notebook->find(NotebookTable::StsPolicies, "b 3").value(), std::nullopt);
  EXPECT_EQ(notebook->find(NotebookTable::StsPolicies, std::string(501, 'k')).value(), std::nullopt);
  EXPECT_EQ(notebook->find(NotebookTable::StsPolicies, "").value(), std::nullopt);
  EXPECT_EQ(notebook->find(NotebookTable::TlsResults, "2026-11-29 a.example").value(), std::nullopt);
  EXPECT_EQ(notebook->find(NotebookTable::TlsResults, "2026-11-30 a.example").value(), "new");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace postern::store
