"""Friendships in a karate club, coloured by community, by networkx."""

import matplotlib.pyplot as plt
import networkx as nx

club = nx.karate_club_graph()
communities = nx.community.louvain_communities(club, seed=3)
colours = {member: number for number, community in enumerate(communities) for member in community}
centrality = nx.betweenness_centrality(club)
fig, ax = plt.subplots(figsize=(7, 5))
nx.draw_networkx(
    club,
    pos=nx.spring_layout(club, seed=5),
    node_color=[colours[member] for member in club],
    node_size=[150 + 2500 * centrality[member] for member in club],
    cmap="Set2",
    edge_color="0.7",
    font_size=8,
    ax=ax,
)
ax.set_title("Communities of a club")
ax.axis("off")
plt.show()
