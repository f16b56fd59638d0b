#include "web/pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include <unistd.h>

namespace postern::web {
namespace {

constexpr PageFile kFiles[] = {
    {"index.html", "<!doctype html><script type=module src=/assets/@VERSION@/main.js></script>"},
    {"main.js", "import \"./views/keys.js\";"},
    {"notes.md", "not for browsers"},
    {"views/keys.js", "export const a = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';"},
};

std::string field(const http::Response& response, std::string_view name) {
  const auto found = std::ranges::find(response.headers, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == response.headers.end() ? std::string() : found->second;
}

TEST(Pages, NameTheBuildInThePageAndAskForItEachTime) {
  const Pages pages(kFiles);
  const http::Response page = pages.index({});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("src=/assets/" + std::string(pages.version()) + "/main.js"), std::string::npos) << page.body;
  EXPECT_EQ(field(page, "Cache-Control"), "no-cache");
  EXPECT_EQ(field(page, "ETag").find("W/"), std::string::npos) << "a strong validator";
}

TEST(Pages, ArePackedForWhoTakesThatAndNotModifiedForWhoHasThem) {
  const Pages pages(kFiles);
  const http::Response packed = pages.asset("views/keys.js", {.accept_encoding = "gzip, br"});
  EXPECT_EQ(field(packed, "Content-Encoding"), "gzip");
  EXPECT_TRUE(packed.body.starts_with("\x1f\x8b"));
  const http::Response plain = pages.asset("views/keys.js", {});
  EXPECT_EQ(plain.body, kFiles[3].content);
  EXPECT_NE(field(plain, "ETag"), field(packed, "ETag")) << "other octets, another strong validator";
  const std::string tag = field(packed, "ETag");
  const http::Response known = pages.asset("views/keys.js", {.if_none_match = tag, .accept_encoding = "gzip"});
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.body, "");
}

TEST(Pages, StayWithTheBrowserOnlyUnderTheNameOfTheirBuild) {
  const Pages pages(kFiles);
  const std::string version(pages.version());
  EXPECT_EQ(field(pages.asset(version + "/main.js", {}), "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(field(pages.asset("main.js", {}), "Cache-Control"), "no-cache");
  EXPECT_EQ(pages.asset("0123456789abcdef/main.js", {}).status, 404) << "another build's";
  PageFile changed[] = {kFiles[0], kFiles[1]};
  changed[1].content = "import \"./views/keys.js\"";
  EXPECT_NE(Pages(changed).version(), version);
}

TEST(Pages, HandOutNothingButTheirFiles) {
  const Pages pages(kFiles);
  for (const char* path : {"", "notes.md", "views", "views/", "../main.js", "/etc/passwd", "main.js/"}) {
    EXPECT_EQ(pages.asset(path, {}).status, 404) << path;
  }
}

std::vector<http::Response> make_both(const Pages& pages) {
  std::vector<http::Response> both;
  both.push_back(pages.index({}));
  both.push_back(pages.asset("main.js", {}));
  return both;
}

TEST(Pages, LetNoTextBecomeScriptAndNobodyFrameThem) {
  const Pages pages(kFiles);
  for (const http::Response& response : make_both(pages)) {
    const std::string policy = field(response, "Content-Security-Policy");
    EXPECT_TRUE(policy.starts_with("default-src 'none';")) << policy;
    for (const char* rule :
         {"frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'", "base-uri 'none'"}) {
      EXPECT_NE(policy.find(rule), std::string::npos) << rule;
    }
    for (const char* word : {"unsafe-inline", "unsafe-eval", "*", "http:"}) {
      EXPECT_EQ(policy.find(word), std::string::npos) << word;
    }
    EXPECT_EQ(field(response, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(field(response, "Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(field(response, "Cross-Origin-Resource-Policy"), "same-origin");
  }
}

TEST(Pages, OfAFolderAreReadEachTimeAndNeverFromBesideIt) {
  const auto folder = std::filesystem::temp_directory_path() / ("postern-pages-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "inner");
  const auto write = [](const std::filesystem::path& file, std::string_view text) { std::ofstream(file) << text; };
  write(folder / "secret.txt", "beside");
  write(folder / "inner/index.html", "<script src=/assets/@VERSION@/a.js>");
  write(folder / "inner/a.js", "one");
  write(folder / "inner/.hidden.js", "hidden");
  const Pages pages((folder / "inner").string());
  EXPECT_EQ(pages.index({}).body, "<script src=/assets/dev/a.js>");
  EXPECT_EQ(pages.asset("dev/a.js", {}).body, "one");
  write(folder / "inner/a.js", "two");
  EXPECT_EQ(pages.asset("dev/a.js", {}).body, "two");
  EXPECT_EQ(field(pages.asset("dev/a.js", {}), "Cache-Control"), "no-store");
  for (const char* path : {"dev/../secret.txt", "../secret.txt", "dev/.hidden.js", "dev//etc/hostname.txt", "dev/none.js"}) {
    EXPECT_EQ(pages.asset(path, {}).status, 404) << path;
  }
  std::filesystem::remove_all(folder);
}

TEST(EmbeddedFiles, AreTheDashboardOfTheSource) {
  const auto files = embedded_files();
  ASSERT_TRUE(std::ranges::any_of(files, [](const PageFile& file) { return file.name == kIndexFile; }));
  const Pages pages(files);
  EXPECT_EQ(pages.index({}).status, 200);
  EXPECT_EQ(pages.index({}).body.find(kVersionMark), std::string::npos);
  for (const PageFile& file : files) EXPECT_FALSE(file.content.empty()) << file.name;
}

}  // namespace
}  // namespace postern::web
