// SPDX-License-Identifier: MIT
//
// A compiled flow as a picture: text for a terminal, Mermaid for documents, DOT for Graphviz.
// Actions stand at the edges (not "default"), edges that go back are dashed, flows inside a node
// are drawn beside it.
#pragma once

#include "rules/graph.h"

#include <optional>
#include <string>
#include <string_view>

namespace penstock::flow {

enum class Drawing : unsigned char { ascii, mermaid, dot };

std::optional<Drawing> parse_drawing(std::string_view text);
/// Ends with a line's end. The same graph always gives the same picture.
std::string draw(const rules::Graph& graph, Drawing drawing);

}  // namespace penstock::flow
