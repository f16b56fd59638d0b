// Every input that a fuzzer has found worth keeping, into its target: what was a crash once stays mended, and no target stops
// to compile unnoticed.
#include "tests/fuzz/fuzz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace postern::fuzz {

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

namespace {

const std::filesystem::path kCorpus = POSTERN_SOURCE_DIR "/tests/fuzz/corpus";

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(FuzzCorpus, HasAFolderForEachTarget) {
  std::vector<std::string> names;
  for (const Target& target : targets()) names.emplace_back(target.name);
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) folders.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(folders));
}

TEST(FuzzCorpus, EveryInputKeepsItsTargetsRules) {
  for (const Target& target : targets()) {
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kCorpus / target.name)) {
      SCOPED_TRACE(entry.path().string());
      target.run(content_of(entry.path()));
      ++inputs;
    }
    EXPECT_GT(inputs, 0U) << target.name;
  }
}

}  // namespace
}  // namespace postern::fuzz
