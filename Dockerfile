FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY schemas schemas
RUN npm run build && npm ci --omit=dev
# Sources, maps and manuals are two thirds of it, and nothing reads them here.
RUN find node_modules -type f ! -iname 'licen[cs]e*' ! -iname 'notice*' \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' \) -delete

FROM node:24-slim
# Reading tens of thousands of runs leaves holes in the memory of glibc's allocator that it does not give back.
RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/* && ln -s /usr/lib/*/libjemalloc.so.2 /usr/lib/libjemalloc.so.2
ENV NODE_ENV=production
# One pool for all threads, freed memory given back within a second, and a small space for what is short-lived.
ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2 MALLOC_CONF=background_thread:true,narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0
ENV NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY schemas schemas
COPY LICENSE ./
USER 65532:65532
EXPOSE 8443 9090
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
