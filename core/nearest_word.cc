#include "core/nearest_word.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace postern {
namespace {

constexpr std::size_t kMaxTextOctets = 128;  // nobody mistypes more; bounds the work

// Levenshtein's distance with one row of the table.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words) {
  if (text.empty() || text.size() > kMaxTextOctets) return {};
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  std::string_view best;
  for (const auto word : words) {
    const auto distance = edit_distance(text, word);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = word;
  }
  return best;
}

}  // namespace postern
